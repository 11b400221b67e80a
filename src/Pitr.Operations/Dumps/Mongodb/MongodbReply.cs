using System.Text.Json;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>Reads what the server answers to <see cref="MongodbCommand"/>s (MongoDB Manual, Database Commands), as extended JSON.</summary>
static class MongodbReply
{
    const string SystemPrefix = "system.";
    const string Functions = "system.js";

    // What copying, comparing and removing a database takes; backup and restore have all of it.
    static readonly string[] Needed = ["find", "insert", "createCollection", "createIndex", "dropCollection", "listCollections", "listIndexes"];

    /// <summary>Names of databases, of listDatabases.</summary>
    public static IEnumerable<string> DatabasesIn(JsonElement reply) => reply.GetProperty("databases").EnumerateArray().Select(d => d.GetProperty("name").GetString()!);

    /// <summary>What somebody has made in a database, of listCollections: without the server's own collections.</summary>
    public static IReadOnlyList<MongodbCollection> CollectionsIn(JsonElement reply) =>
    [
        .. Batch(reply).Select(c => new MongodbCollection(c.GetProperty("name").GetString()!, c.TryGetProperty("type", out var type) ? type.GetString()! : "collection"))
            .Where(c => !c.Name.StartsWith(SystemPrefix, StringComparison.Ordinal) || c.Name == Functions).OrderBy(c => c.Name, StringComparer.Ordinal),
    ];

    /// <summary>Whether a database has no collection at all, not even the server's own, of listCollections.</summary>
    public static bool HasNothing(JsonElement reply) => !Batch(reply).Any();

    /// <summary>How many documents were counted, of the aggregation of <see cref="MongodbCommand.Count"/>.</summary>
    public static long CountIn(JsonElement reply) => Batch(reply).Select(found => found.GetProperty("n").GetInt64()).FirstOrDefault();

    /// <summary>Names and fields of indexes in order, of listIndexes.</summary>
    public static IEnumerable<string> IndexesIn(JsonElement reply) => Batch(reply)
        .Select(index => $"{index.GetProperty("name").GetString()} ({string.Join(", ", index.GetProperty("key").EnumerateObject().Select(field => field.Name))})").Order(StringComparer.Ordinal);

    /// <summary>What of all that is needed the user may not do in a database, of connectionStatus; nothing where nobody has to log in.</summary>
    public static IReadOnlyList<string> MissingRights(JsonElement reply, string database)
    {
        var login = reply.GetProperty("authInfo");
        var allowed = login.GetProperty("authenticatedUserPrivileges").EnumerateArray().Where(p => IsOf(p.GetProperty("resource"), database))
            .SelectMany(p => p.GetProperty("actions").EnumerateArray().Select(action => action.GetString()!));
        return login.GetProperty("authenticatedUsers").GetArrayLength() == 0 ? [] : [.. Needed.Except(allowed)];
    }

    // { db: "", collection: "" } is every collection but the server's own; { anyResource: true } is everything.
    static bool IsOf(JsonElement resource, string database) =>
        (resource.TryGetProperty("anyResource", out var any) && any.ValueKind == JsonValueKind.True)
        || (resource.TryGetProperty("db", out var db) && resource.TryGetProperty("collection", out var collection)
            && collection.ValueEquals("") && (db.ValueEquals("") || db.ValueEquals(database)));

    static IEnumerable<JsonElement> Batch(JsonElement reply) => reply.GetProperty("cursor").GetProperty("firstBatch").EnumerateArray();
}
