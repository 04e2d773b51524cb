"""Graphs of BERT-like networks as ONNX Runtime runs them best: what its Transformer optimizer fuses, and int8."""


def export_fused(network, forward, output, axes, path):
    """Exports `forward(network, ids, scores, types)` of a transformers BERT whose encoder is `network`, and rewrites it by
    ONNX Runtime's Transformer optimizer (Attention, SkipLayerNorm...). `scores` is the mask as attention adds it.

    `output` is the result's name, `axes` the names of its dimensions that vary.
    Attention and mask are written in the steps that the optimizer recognizes and fuses into one node.
    """
    import torch
    from onnxruntime.transformers import optimizer

    shape = network.config
    heads, width = shape.num_attention_heads, shape.hidden_size // shape.num_attention_heads

    class Attention(torch.nn.Module):
        def __init__(self, of):
            super().__init__()
            self.of = of

        def forward(self, hidden_states, attention_mask=None, **_):
            def split(x):
                return x.view(x.size()[:-1] + (heads, width)).permute(0, 2, 1, 3)

            q, k, v = (split(f(hidden_states)) for f in (self.of.query, self.of.key, self.of.value))
            scores = torch.matmul(q, k.transpose(-1, -2)) / width**0.5 + attention_mask
            context = torch.matmul(torch.softmax(scores, dim=-1), v).permute(0, 2, 1, 3).contiguous()
            return context.view(context.size()[:-2] + (heads * width,)), None

    class Exported(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, ids, mask, types):
            scores = (1.0 - mask.unsqueeze(1).unsqueeze(2).to(torch.float32)) * torch.finfo(torch.float32).min
            return forward(self.network, ids, scores, types)

    for layer in network.encoder.layer:
        layer.attention.self = Attention(layer.attention.self)
    export(Exported().eval(), output, axes, path)
    fused = optimizer.optimize_model(str(path), model_type="bert", num_heads=heads, hidden_size=shape.hidden_size)
    print(f"{path.name}:", {name: count for name, count in fused.get_fused_operator_statistics().items() if count})
    fused.save_model_to_file(str(path))


def export(module, output, axes, path):
    """Exports `module(ids, mask, types)` for any batch and length."""
    import torch

    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "length"} for name in names} | {output: axes}
    example = torch.ones(2, 9, dtype=torch.int64)
    torch.onnx.export(
        module, (example, example, example * 0), str(path), input_names=names, output_names=[output],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip


def quantize(graph, out, per_channel):
    """Dynamic int8: weights with one scale per output channel, or one per tensor."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(graph), str(out), per_channel=per_channel, weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )  # fmt: skip


def open_session(path, threads):
    """A session with all graph optimizations, and the names of its inputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session, {i.name for i in session.get_inputs()}
