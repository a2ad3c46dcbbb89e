import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { Server } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'

/**
 * Server reflection v1 and v1alpha from a `google.protobuf.FileDescriptorSet` (`buf build -o set.binpb`), so that
 * `grpcurl` and `buf curl` need no .proto files.
 *
 * @throws when the bytes are not a descriptor set: they are ours.
 */
export function addReflection(server: Server, descriptorSet: Uint8Array): void {
  const set = { format: 'Protocol Buffer 3 DescriptorProto', type: {}, fileDescriptorProtos: filesOf(descriptorSet) }
  // Of a package definition reflection reads nothing but these files; the type asks for functions it never calls.
  const definition = { set } as unknown as ConstructorParameters<typeof ReflectionService>[0]
  new ReflectionService(definition).addToServer(server)
}

// FileDescriptorSet: `repeated FileDescriptorProto file = 1`.
function filesOf(descriptorSet: Uint8Array): Buffer[] {
  const files: Buffer[] = []
  const reader = new BinaryReader(descriptorSet)
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (field === 1 && wireType === WireType.LengthDelimited) files.push(Buffer.from(reader.bytes()))
    else reader.skip(wireType)
  }
  return files
}
