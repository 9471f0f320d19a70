"""Writes src/flower/generated: flwr ships no .proto files, but its modules carry descriptors. Those of the messages that the
client sends or reads go to protoc-gen-es as protoc would hand them over. Arguments: the plugin, the folder."""

import pathlib
import subprocess
import sys

from flwr.proto import fleet_pb2, heartbeat_pb2, message_pb2, recorddict_pb2
from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse

CALLS = ["RegisterNodeFleet", "ActivateNode", "DeactivateNode", "PullMessages", "PushMessages"]
OBJECTS = ["PushObject", "PullObject", "ConfirmMessageReceived"]
pairs = [(fleet_pb2, CALLS), (heartbeat_pb2, ["SendNodeHeartbeat"]), (message_pb2, OBJECTS)]
roots = [getattr(module, name + end) for module, names in pairs for name in names for end in ("Request", "Response")]
roots += [recorddict_pb2.MetricRecord, recorddict_pb2.ConfigRecord]

used, files, waiting = set(), {}, [root.DESCRIPTOR for root in roots]
while waiting:
    message = waiting.pop()
    if message.full_name in used:
        continue
    used.add(message.full_name)
    files[message.file.name] = message.file
    waiting += [field.message_type for field in message.fields if field.message_type]
    if message.full_name.endswith(".RecordDict"):  # sent empty: what is in it goes as objects
        del waiting[-len(message.fields) :]

request = CodeGeneratorRequest(parameter="target=ts,import_extension=ts")


def add(file):
    if any(known.name == file.name for known in request.proto_file):
        return
    for dependency in file.dependencies:
        if dependency.name in files:
            add(dependency)
    proto = request.proto_file.add()
    file.CopyToProto(proto)
    del proto.service[:]
    kept = [m for m in proto.message_type if f"{proto.package}.{m.name}" in used]
    del proto.message_type[:]
    proto.message_type.extend(kept)
    for message in proto.message_type:
        if message.name == "RecordDict":
            message.Clear()
            message.name = "RecordDict"
        for field in message.field:
            field.json_name = "".join(word.title() if i else word for i, word in enumerate(field.name.split("_")))
        for field in (f for nested in message.nested_type for f in nested.field):
            field.json_name = field.name
    needed = [name for name in proto.dependency if name in files]
    del proto.dependency[:]
    proto.dependency.extend(needed)
    request.file_to_generate.append(file.name)


for file in files.values():
    add(file)
plugin, folder = sys.argv[1:]
answer = CodeGeneratorResponse.FromString(subprocess.run([plugin], input=request.SerializeToString(), stdout=subprocess.PIPE, check=True).stdout)
if answer.error:
    sys.exit(answer.error)
for file in answer.file:
    target = pathlib.Path(folder) / pathlib.Path(file.name).name
    target.write_text(file.content)
    print(target, len(file.content))
