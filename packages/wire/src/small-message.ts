import { BinaryWriter } from '@bufbuild/protobuf/wire'

// One writer for all small messages: a new one begins with an empty buffer and grows it anew for each of them. What is finished is a copy.
let shared = new BinaryWriter()

/**
 * The bytes of a small message (a leaf, a payload: tens of KiB at most, since the buffer stays as large as the largest), the same as a
 * writer of its own would give.
 */
export function smallMessageBytes<T>(
  type: { readonly encode: (message: T, writer: BinaryWriter) => BinaryWriter },
  message: T,
): Uint8Array {
  const writer = shared
  try {
    return type.encode(message, writer).finish()
  } catch (error) {
    // Half a message stands in it.
    shared = new BinaryWriter()
    throw error
  }
}
