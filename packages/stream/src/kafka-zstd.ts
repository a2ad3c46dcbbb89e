import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import kafkajs from 'kafkajs'

/** Largest record batch after decompression, in bytes; ours hold at most one record over 900 KiB. */
const decompressedBytesMax = 4 * 1024 * 1024

/** Teaches kafkajs, for the whole process, the zstd of this Node. Once is enough; again changes nothing. */
export function useZstd(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: async ({ buffer }: { readonly buffer: Buffer }) => zstdCompressSync(buffer),
    decompress: async (buffer: Buffer) => zstdDecompressSync(buffer, { maxOutputLength: decompressedBytesMax }),
  })
}
