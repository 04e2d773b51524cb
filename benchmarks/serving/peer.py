"""A peer: a MiniLM-L6 cross-encoder in ONNX Runtime behind HTTP, as one writes it in an afternoon. It reads each pair of a
query and a document in full. The head's weights are random: how long it takes does not depend on them.

    peer.py GRAPH TOKENIZER PORT        GRAPH from benchmarks/verification/peers.py prepare
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ.get("THREADS", os.cpu_count()))
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
tokenizer = Tokenizer.from_file(sys.argv[2])
tokenizer.enable_truncation(512)
tokenizer.enable_padding()
names = [it.name for it in session.get_inputs()]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        encoded = tokenizer.encode_batch([(request["query"], text) for text in request["documents"]])
        parts = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
        feed = {name: np.array([getattr(it, parts[name]) for it in encoded], dtype=np.int64) for name in names}
        logits = session.run(None, feed)[0].reshape(-1)
        scores = 1 / (1 + np.exp(-logits))
        results = [{"index": int(at), "relevance_score": float(scores[at])} for at in np.argsort(-scores)]
        body = json.dumps({"results": results}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[3])), Handler).serve_forever()
