"""The official Python SDK and FastMCP as clients of `vetted serve` (HTTP) and `vetted mcp` (standard input and output)."""

import argparse
import asyncio
import os
import subprocess
from pathlib import Path

import fastmcp
import jsonschema
from fastmcp.client.transports import StdioTransport
from mcp import Client, StdioServerParameters

DOG = "The nurse visited the farmer."
MAN = "The farmer visited the nurse."
READING = ["vetted-search", "vetted-verify", "vetted-explain", "vetted-info"]
WRITING = ["vetted-upsert", "vetted-delete"]


async def session(client, revision):
    """Everything that an agent does, by the official client, on an empty index."""
    assert client.protocol_version == revision or revision is None, client.protocol_version
    assert "search again in other words" in client.instructions
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == READING + WRITING, list(tools)
    for tool in tools.values():
        hints = tool.annotations
        all_hints = (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint)
        assert None not in all_hints, tool.name
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)

    async def call(name, **arguments):
        jsonschema.validate(arguments, tools[name].input_schema)
        result = await client.call_tool(name, arguments)
        assert not result.is_error, result
        assert len(result.content) == 1 and result.content[0].text
        jsonschema.validate(result.structured_content, tools[name].output_schema)
        return result.structured_content

    documents = [
        {"id": "dog", "text": DOG, "metadata": {"year": 1999}},
        {"id": "man", "text": MAN},
        {"id": "tea", "title": "Tea", "text": "Green tea turns bitter in boiling water."},
    ]
    written = await call("vetted-upsert", documents=documents)
    assert written["documents"] == 3, written
    found = await call("vetted-search", query=DOG)
    assert found["verified"] and found["hits"][0]["id"] == "dog", found
    assert found["hits"][0]["verdict"] == "accept" and found["rejected"][0]["id"] == "man", found
    nothing = await call("vetted-search", query="Mara sold the old boat to Jonas in May.", k=2, mode="bm25")
    assert not nothing["verified"] and "in other words" in nothing["advice"], nothing
    short = await call("vetted-search", query="tea", mode="dense")
    assert not short["verified"], short
    filtered = await call("vetted-search", query=DOG, filters=["year>=1999"])
    assert [hit["id"] for hit in filtered["hits"]] == ["dog"], filtered
    verified = await call("vetted-verify", query=DOG, candidates=["The farmer was visited by the nurse.", MAN, " "])
    assert [it["verdict"] for it in verified["results"]] == ["accept", "reject", "unverified"], verified
    same = await call("vetted-verify", query=DOG, candidates=[MAN], relation="equivalence")
    assert not same["verified"], same
    explained = await call("vetted-explain", query=DOG, candidate=MAN)
    assert explained["query_tokens"] and explained["window"]["text"] == MAN, explained
    info = await call("vetted-info")
    assert info["indexes"][0]["fields"] == {"year": 1999}, info
    shown = await call("vetted-info", id="tea")
    assert shown["document"]["title"] == "Tea", shown

    refused = await client.call_tool("vetted-search", {"query": DOG, "k": 51})
    assert refused.is_error and "from 1 to 50" in refused.content[0].text, refused
    refused = await client.call_tool("vetted-search", {"question": DOG})
    assert refused.is_error and refused.content[0].text.startswith("error (invalid-request): "), refused

    together = [call("vetted-search", query=DOG, k=1) for _ in range(20)]
    assert all(found["hits"][0]["id"] == "dog" for found in await asyncio.gather(*together))

    told = []

    async def progress(done, total, message):
        told.append((done, message))

    long = [{"id": f"long {n}", "text": f"The nurse visited farmer {n}. " * 400} for n in range(100)]
    written = await client.call_tool("vetted-upsert", {"documents": long}, progress_callback=progress)
    assert written.structured_content["added"] == 100, written
    assert [done for done, _ in told] == sorted({done for done, _ in told}), "it only grows"
    removed = await call("vetted-delete", ids=[document["id"] for document in long])
    assert removed["deleted"] == 100, removed
    removed = await call("vetted-delete", ids=["dog", "man", "tea", "none"])
    assert removed == {"index": removed["index"], "deleted": 3, "documents": 0}, removed
    return len(told)


async def fast(client):
    """The same in short, by FastMCP."""
    async with client:
        tools = [tool.name for tool in await client.list_tools()]
        assert tools[: len(READING)] == READING, tools
        verified = await client.call_tool("vetted-verify", {"query": DOG, "candidates": [DOG, MAN]})
        assert verified.structured_content["verified"], verified
        assert verified.content[0].text.startswith("Verified, but the texts disagree"), verified
        try:
            await client.call_tool("vetted-verify", {"query": DOG, "candidates": []})
        except fastmcp.exceptions.ToolError as error:
            assert "`candidates` is empty" in str(error), error
        else:
            raise AssertionError("an empty list was verified")


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="/mcp of a server that has one index, which is empty")
    parser.add_argument("--program", required=True, help="vetted")
    parser.add_argument("--folder", required=True, type=Path, help="for indexes of our own")
    given = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if name.startswith("VETTED_")}

    for mode, revision in [("auto", "2026-07-28"), ("legacy", "2025-11-25")]:
        async with Client(given.url, mode=mode) as client:
            told = await session(client, revision)
        print(f"ok      mcp over HTTP, {revision}, progress told {told} times")
        arguments = ["mcp", "--index", str(given.folder / f"stdio-{mode}"), "--write"]
        started = StdioServerParameters(command=given.program, args=arguments, env=environment)
        async with Client(started, mode=mode) as client:
            told = await session(client, revision)
        print(f"ok      mcp over pipes, {revision}, progress told {told} times")

    await fast(fastmcp.Client(given.url))
    print("ok      fastmcp over HTTP")
    await fast(fastmcp.Client(StdioTransport(given.program, ["mcp"], env=environment, keep_alive=False)))
    print("ok      fastmcp over pipes")

    # What the clients left behind is whole, and no process holds it.
    index = str(given.folder / "stdio-auto")
    subprocess.run([given.program, "info", "--index", index, "--check"], check=True, stdout=subprocess.DEVNULL)


asyncio.run(main())
