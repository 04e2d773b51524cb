"""Records what RedisVL 0.28 stores and asks, for tests/redis/redisvl.rs: record.py PORT_OF_AN_EMPTY_REDIS >recorded.json

Needs `pip install redisvl==0.28.0`, and a Redis of any kind: with create_index=False RedisVL stores without the query engine.
"""
import hashlib, json, socket, sys, threading

import redis
from redisvl.extensions.cache.llm import SemanticCache
from redisvl.query.filter import Num, Tag
from redisvl.utils.vectorize import CustomVectorizer


def embed(text, **_):
    values = [(byte - 127.5) / 127.5 for byte in hashlib.sha256(text.encode()).digest()[:4]]
    length = sum(value * value for value in values) ** 0.5
    return [value / length for value in values]


def cache(port):
    return SemanticCache(
        name="llmcache",
        vectorizer=CustomVectorizer(embed=embed),
        redis_url=f"redis://127.0.0.1:{port}",
        create_index=False,
        ttl=3600,
        filterable_fields=[{"name": "user", "type": "tag"}, {"name": "year", "type": "numeric"}],
        connection_kwargs={"protocol": 2},
    )


port = int(sys.argv[1])
writing = cache(port)
writing.store("who bit the man?", "the dog \x00 did")
writing.store(
    "who bit the man?",
    "the dog, said al-i ce",
    filters={"user": "al-i ce,{x}", "year": 2026},
    metadata={"model": "gpt", "n": 1},
)
server = redis.Redis(port=port)
stored = {key.decode(): {name.decode(): value.hex() for name, value in server.hgetall(key).items()} for key in sorted(server.keys("*"))}


def bulk(text):
    return b"$%d\r\n%s\r\n" % (len(text.encode()), text.encode())


# An answer of FT.SEARCH before RESP3, as the query engine documents it. That RedisVL reads it is what is recorded.
fields = [
    "vector_distance", "0.0421", "entry_id", "e1", "prompt", "who bit the man?", "response", "the dog",
    "inserted_at", "1764570000.25", "updated_at", "1764570000.5", "metadata", '{"model": "gpt"}', "user", "alice", "year", "2026",
]  # fmt: skip
answer = b"*3\r\n:1\r\n" + bulk("llmcache:e1") + b"*%d\r\n" % len(fields) + b"".join(map(bulk, fields))
asked = []


def serve(connection):
    reader = connection.makefile("rb")
    while line := reader.readline():
        words = []
        for _ in range(int(line[1:])):
            words.append(reader.read(int(reader.readline()[1:]) + 2)[:-2])
        if words[0] == b"FT.SEARCH":
            asked.append([word.decode(errors="replace") for word in words])
        connection.sendall(answer if words[0] == b"FT.SEARCH" else b"+OK\r\n")


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(
    target=lambda: [threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start() for _ in iter(int, 1)],
    daemon=True,
).start()
reading = cache(listener.getsockname()[1])
read = reading.check("who bit the man?", num_results=3)
reading.check("who bit the man?", num_results=3, filter_expression=(Tag("user") == "al-i ce,{x}|y") & (Num("year") == 2026))
json.dump({"stored": stored, "asked": asked, "answer": answer.decode(), "read": read}, sys.stdout, indent=1)
print()
