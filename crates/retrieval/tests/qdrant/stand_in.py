"""Stands in for a Qdrant server in tests, for no registry has the server: Qdrant's own engine (`qdrant-edge-py`), one shard for each
collection, behind those of Qdrant's gRPC methods that vetted calls. What it does not know it refuses, so that no test passes because
something was passed over.

It shows that what vetted asks means to the engine what vetted takes it to mean, over the real client and its protocol, and that points
survive the end of the process. It shows nothing of what only the server has: nodes, replicas, consensus, optimizers at work.

Usage: stand_in.py FOLDER PORT [--key KEY] [--read-key KEY] [--version VERSION]
"""

import argparse
import pathlib
import threading
from concurrent import futures

import grpc
import qdrant_edge as edge
from qdrant_client import grpc as api

WRITES = {"Create", "CreateFieldIndex", "DeleteFieldIndex", "Upsert", "Delete", "UpdateBatch"}
SCHEMAS = {
    api.FieldTypeKeyword: edge.PayloadSchemaType.Keyword,
    api.FieldTypeInteger: edge.PayloadSchemaType.Integer,
    api.FieldTypeFloat: edge.PayloadSchemaType.Float,
}
# What a collection says of its indexes, by the engine's name of the type.
TYPES = {"PayloadSchemaType.Keyword": api.Keyword, "PayloadSchemaType.Integer": api.Integer, "PayloadSchemaType.Float": api.Float}
DISTANCES = {api.Dot: edge.Distance.Dot, api.Cosine: edge.Distance.Cosine, api.Euclid: edge.Distance.Euclid}


class Refused(Exception):
    """What a server would not do, with the status that it would answer."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


def unknown(what):
    return Refused(grpc.StatusCode.UNIMPLEMENTED, f"the stand-in does not know {what}")


# Values, points and conditions, from the protocol to the engine and back.


def plain(value):
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [plain(element) for element in value.list_value.values]
    if kind == "struct_value":
        return {name: plain(field) for name, field in value.struct_value.fields.items()}
    return None if kind in (None, "null_value") else getattr(value, kind)


def protocol(value):
    if isinstance(value, str):
        return api.Value(string_value=value)
    if isinstance(value, bool):
        return api.Value(bool_value=value)
    if isinstance(value, int):
        return api.Value(integer_value=value)
    if isinstance(value, float):
        return api.Value(double_value=value)
    if isinstance(value, list):
        return api.Value(list_value=api.ListValue(values=map(protocol, value)))
    if isinstance(value, dict):
        return api.Value(struct_value=api.Struct(fields={name: protocol(field) for name, field in value.items()}))
    return api.Value(null_value=api.NULL_VALUE)


def payload(fields):
    return {name: protocol(value) for name, value in (fields or {}).items()}


def point_id(point):
    return point.uuid if point.WhichOneof("point_id_options") == "uuid" else point.num


def sent_id(point):
    return api.PointId(num=point) if isinstance(point, int) else api.PointId(uuid=str(point))


def sparse(vector):
    return edge.SparseVector(list(vector.indices), list(vector.values))


def kept_vector(vector):
    match vector.WhichOneof("vector"):
        case "dense":
            return list(vector.dense.data)
        case "multi_dense":
            return [list(one.data) for one in vector.multi_dense.vectors]
        case "sparse":
            return sparse(vector.sparse)
        case other:
            raise unknown(f"a vector of the kind {other}")


def sent_vector(vector):
    if isinstance(vector, edge.SparseVector):
        return api.VectorOutput(sparse=api.SparseVector(indices=vector.indices, values=vector.values))
    if vector and isinstance(vector[0], list):
        return api.VectorOutput(multi_dense=api.MultiDenseVector(vectors=[api.DenseVector(data=one) for one in vector]))
    return api.VectorOutput(dense=api.DenseVector(data=vector))


def sent_vectors(vectors):
    if not vectors:
        return None
    named = {name: sent_vector(vector) for name, vector in vectors.items()}
    return api.VectorsOutput(vectors=api.NamedVectorsOutput(vectors=named))


def wanted(message, field, one_by_one):
    """What a question asks of payloads or vectors: all, none, or some by name."""
    if not message.HasField(field):
        return False
    selector = getattr(message, field)
    match selector.WhichOneof("selector_options"):
        case "enable":
            return selector.enable
        case "include":
            return list(getattr(selector.include, one_by_one))
        case other:
            raise unknown(f"the selector {other}")


def condition(one):
    kind = one.WhichOneof("condition_one_of")
    if kind == "filter":
        return conditions(one.filter)
    if kind == "nested":
        return edge.NestedCondition(one.nested.key, conditions(one.nested.filter))
    if kind == "has_id":
        return edge.HasIdCondition({point_id(point) for point in one.has_id.has_id})
    if kind != "field":
        raise unknown(f"the condition {kind}")
    field = one.field
    known = {"key", "match", "range"}
    for descriptor, _ in field.ListFields():
        if descriptor.name not in known:
            raise unknown(f"a field's {descriptor.name}")
    if field.HasField("match"):
        value = field.match.WhichOneof("match_value")
        if value not in ("keyword", "integer", "boolean"):
            raise unknown(f"the match {value}")
        return edge.FieldCondition(key=field.key, match=edge.MatchValue(getattr(field.match, value)))
    ends = {name: getattr(field.range, name) for name in ("gte", "gt", "lte", "lt") if field.range.HasField(name)}
    return edge.FieldCondition(key=field.key, range=edge.RangeFloat(**ends))


def conditions(all):
    if all.HasField("min_should"):
        raise unknown("min_should")
    parts = {name: [condition(one) for one in getattr(all, name)] for name in ("must", "should", "must_not")}
    return edge.Filter(**{name: part for name, part in parts.items() if part})


def filtered(message):
    return conditions(message.filter) if message.HasField("filter") else None


def question(query):
    """A question to the engine."""
    nearest = query.query.nearest if query.query.WhichOneof("variant") == "nearest" else None
    if nearest is None or query.prefetch or query.HasField("offset") or query.HasField("score_threshold"):
        raise unknown("this question")
    match nearest.WhichOneof("variant"):
        case "dense":
            vector = list(nearest.dense.data)
        case "sparse":
            vector = sparse(nearest.sparse)
        case other:
            raise unknown(f"a question by {other}")
    params = None
    if query.HasField("params"):
        params = edge.SearchParams(exact=query.params.exact, hnsw_ef=query.params.hnsw_ef or None)
    return edge.QueryRequest(
        limit=query.limit,
        query=edge.Query.Nearest(vector, using=query.using),
        filter=filtered(query),
        params=params,
        with_payload=wanted(query, "with_payload", "fields"),
        with_vector=wanted(query, "with_vectors", "names"),
    )


def scored(point):
    return api.ScoredPoint(
        id=sent_id(point.id),
        score=point.score,
        version=point.version,
        payload=payload(point.payload),
        vectors=sent_vectors(point.vector),
    )


def retrieved(point):
    return api.RetrievedPoint(id=sent_id(point.id), payload=payload(point.payload), vectors=sent_vectors(point.vector))


class Collection:
    """A shard of the engine, and the message that it was made by."""

    def __init__(self, folder, made=None):
        self.made = made or api.CreateCollection.FromString((folder / "made").read_bytes())
        shard = folder / "shard"
        if made is None:
            self.shard = edge.EdgeShard.load(str(shard))
            return
        shard.mkdir(parents=True)
        dense = {}
        for name, params in made.vectors_config.params_map.map.items():
            multi = edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim) if params.HasField("multivector_config") else None
            graph = edge.HnswIndexConfig(params.hnsw_config.m, 100, 10_000) if params.HasField("hnsw_config") else None
            distance = DISTANCES[params.distance]
            dense[name] = edge.EdgeVectorParams(params.size, distance, multivector_config=multi, hnsw_config=graph)
        words = {name: edge.EdgeSparseVectorParams() for name in made.sparse_vectors_config.map}
        self.shard = edge.EdgeShard.create(str(shard), edge.EdgeConfig(vectors=dense, sparse_vectors=words))
        # Now it is there.
        (folder / "made").write_bytes(made.SerializeToString())

    def update(self, operation):
        self.shard.update(operation)


class Server(api.PointsServicer, api.CollectionsServicer, api.QdrantServicer):
    def __init__(self, folder, version):
        self.folder = folder
        self.version = version
        self.lock = threading.Lock()
        self.collections = {made.parent.name: Collection(made.parent) for made in folder.glob("*/made")}

    def named(self, name):
        if name not in self.collections:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Not found: Collection `{name}` doesn't exist!")
        return self.collections[name]

    def of(self, request):
        return self.named(request.collection_name)

    def HealthCheck(self, request, context):
        return api.HealthCheckReply(title="qdrant - vector search engine", version=self.version)

    # Collections

    def Create(self, request, context):
        name = request.collection_name
        with self.lock:
            if name in self.collections:
                reason = f"Wrong input: Collection `{name}` already exists!"
                raise Refused(grpc.StatusCode.ALREADY_EXISTS, reason)
            self.collections[name] = Collection(self.folder / name, request)
        return api.CollectionOperationResponse(result=True)

    def Get(self, request, context):
        # Two services have a method of this name.
        return self.get_points(request) if isinstance(request, api.GetPoints) else self.get_collection(request)

    def get_collection(self, request):
        collection = self.of(request)
        made, info = collection.made, collection.shard.info()
        schema = {name: api.PayloadSchemaInfo(data_type=TYPES[str(index.data_type)]) for name, index in info.payload_schema.items()}
        params = api.CollectionParams(
            shard_number=1,
            vectors_config=made.vectors_config if made.HasField("vectors_config") else None,
            sparse_vectors_config=made.sparse_vectors_config if made.HasField("sparse_vectors_config") else None,
        )
        config = api.CollectionConfig(params=params, metadata=made.metadata)
        result = api.CollectionInfo(
            status=api.Green, config=config, payload_schema=schema, points_count=info.points_count, segments_count=info.segments_count
        )
        return api.GetCollectionInfoResponse(result=result)

    # Changes. The engine has written each to its log when it returns.

    def CreateFieldIndex(self, request, context):
        schema = SCHEMAS.get(request.field_type)
        if schema is None:
            raise unknown("an index of this type")
        self.of(request).update(edge.UpdateOperation.create_field_index(request.field_name, schema))
        return done()

    def DeleteFieldIndex(self, request, context):
        self.of(request).update(edge.UpdateOperation.delete_field_index(request.field_name))
        return done()

    def Upsert(self, request, context):
        def kept(point):
            vectors = {name: kept_vector(vector) for name, vector in point.vectors.vectors.vectors.items()}
            fields = {name: plain(value) for name, value in point.payload.items()}
            return edge.Point(point_id(point.id), vectors, fields)

        self.of(request).update(edge.UpdateOperation.upsert_points([kept(point) for point in request.points]))
        return done()

    def Delete(self, request, context):
        if request.points.WhichOneof("points_selector_one_of") != "points":
            raise unknown("removing by a condition")
        ids = [point_id(point) for point in request.points.points.ids]
        self.of(request).update(edge.UpdateOperation.delete_points(ids))
        return done()

    def UpdateBatch(self, request, context):
        collection = self.of(request)
        for operation in request.operations:
            kind = operation.WhichOneof("operation")
            change = getattr(operation, kind)
            selector = change.points if kind == "delete_points" else change.points_selector
            if kind not in ("set_payload", "delete_points") or selector.WhichOneof("points_selector_one_of") != "filter":
                raise unknown(f"the operation {kind} in a batch")
            which = conditions(selector.filter)
            if kind == "delete_points":
                collection.update(edge.UpdateOperation.delete_points_by_filter(which))
            else:
                fields = {name: plain(value) for name, value in change.payload.items()}
                collection.update(edge.UpdateOperation.set_payload_by_filter(which, fields))
        return api.UpdateBatchResponse(result=[api.UpdateResult(status=api.Completed) for _ in request.operations])

    # Questions

    def get_points(self, request):
        ids = [point_id(point) for point in request.ids]
        found = self.of(request).shard.retrieve(ids, wanted(request, "with_payload", "fields"), wanted(request, "with_vectors", "names"))
        return api.GetResponse(result=map(retrieved, found))

    def Scroll(self, request, context):
        if request.HasField("order_by"):
            raise unknown("an order")
        page = edge.ScrollRequest(
            offset=point_id(request.offset) if request.HasField("offset") else None,
            limit=request.limit if request.HasField("limit") else 10,
            filter=filtered(request),
            with_payload=wanted(request, "with_payload", "fields"),
            with_vector=wanted(request, "with_vectors", "names"),
        )
        points, following = self.of(request).shard.scroll(page)
        following = None if following is None else sent_id(following)
        return api.ScrollResponse(result=map(retrieved, points), next_page_offset=following)

    def Count(self, request, context):
        count = self.of(request).shard.count(edge.CountRequest(exact=True, filter=filtered(request)))
        return api.CountResponse(result=api.CountResult(count=count))

    def Query(self, request, context):
        return api.QueryResponse(result=map(scored, self.of(request).shard.query(question(request))))

    def QueryBatch(self, request, context):
        questions = [question(query) for query in request.query_points]
        answers = self.of(request).shard.query_batch(edge.QueryBatchRequest(questions))
        return api.QueryBatchResponse(result=[api.BatchResult(result=map(scored, answer)) for answer in answers])

    def Facet(self, request, context):
        found = self.of(request).shard.facet(
            edge.FacetRequest(request.key, limit=request.limit, exact=request.exact, filter=filtered(request))
        )

        def hit(one):
            field = "integer_value" if isinstance(one.value, int) else "string_value"
            return api.FacetHit(value=api.FacetValue(**{field: one.value}), count=one.count)

        return api.FacetResponse(hits=map(hit, found.hits))


def done():
    return api.PointsOperationResponse(result=api.UpdateResult(status=api.Completed))


class Guard(grpc.ServerInterceptor):
    """Asks for the key, and turns what went wrong into the status of an answer."""

    def __init__(self, key, read_key):
        self.keys = {key, read_key} - {None}
        self.read_key = read_key

    def intercept_service(self, continuation, details):
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = details.method.rsplit("/", 1)[1]
        key = dict(details.invocation_metadata).get("api-key")

        def guarded(request, context):
            if self.keys and key not in self.keys:
                context.abort(grpc.StatusCode.UNAUTHENTICATED, f"Invalid API key or JWT: {key}")
            if self.read_key and key == self.read_key and method in WRITES:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "Forbidden: Global manage access is required")
            try:
                return handler.unary_unary(request, context)
            except Refused as error:
                context.abort(error.code, str(error))
            except Exception as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{error}")

        return grpc.unary_unary_rpc_method_handler(guarded, handler.request_deserializer, handler.response_serializer)


def main():
    parser = argparse.ArgumentParser(description="A stand-in for a Qdrant server.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--key")
    parser.add_argument("--read-key")
    parser.add_argument("--version", default="1.20.0")
    given = parser.parse_args()
    servicer = Server(given.folder, given.version)
    options = [(f"grpc.max_{way}_message_length", -1) for way in ("send", "receive")] + [("grpc.so_reuseport", 0)]
    guard = Guard(given.key, given.read_key)
    server = grpc.server(futures.ThreadPoolExecutor(8), interceptors=[guard], options=options)
    for add in (api.add_PointsServicer_to_server, api.add_CollectionsServicer_to_server, api.add_QdrantServicer_to_server):
        add(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{given.port}")
    server.start()
    (given.folder / "ready").touch()
    server.wait_for_termination()


main()
