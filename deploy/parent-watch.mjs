// Loaded into the box by deploy/bootstrap.mjs. The other end of this pipe is held by the bootstrap and closes when that
// process is gone, however it went; the box then drains as for any SIGTERM instead of going on without an owner.

import { Socket } from 'node:net'

const fd = process.env.HUTONG_PARENT_PIPE
// Processes and threads started from here inherit the environment but not the pipe.
delete process.env.HUTONG_PARENT_PIPE

if (fd !== undefined) {
  const pipe = new Socket({ fd: Number(fd), readable: true, writable: false })
  pipe.on('close', () => process.kill(process.pid, 'SIGTERM'))
  pipe.on('error', () => pipe.destroy())
  pipe.resume()
  pipe.unref()
}
