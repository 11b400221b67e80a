using System.Text.Json;
using Pitr.Postgres;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>Reads what the server answers to <see cref="MongodbCommand"/>s (MongoDB Manual, Database Commands), as extended JSON.</summary>
static class MongodbReply
{
    const string SystemPrefix = "system.";
    const string Functions = "system.js";

    // What copying, comparing and removing a database takes; backup and restore have all of it.
    static readonly string[] Needed = ["find", "insert", "createCollection", "createIndex", "dropCollection", "listCollections", "listIndexes"];

    /// <summary>Names of databases, of listDatabases.</summary>
    public static IEnumerable<string> DatabasesIn(JsonElement reply) => Member(reply, "databases").EnumerateArray().Select(d => Member(d, "name").GetString()!);

    /// <summary>What somebody has made in a database, of listCollections: without the server's own collections.</summary>
    public static IReadOnlyList<MongodbCollection> CollectionsIn(JsonElement reply) =>
    [
        .. Batch(reply).Select(c => new MongodbCollection(Member(c, "name").GetString()!, c.TryGetProperty("type", out var type) ? type.GetString()! : "collection"))
            .Where(c => !c.Name.StartsWith(SystemPrefix, StringComparison.Ordinal) || c.Name == Functions).OrderBy(c => c.Name, StringComparer.Ordinal),
    ];

    /// <summary>Whether a database has no collection at all, not even the server's own, of listCollections.</summary>
    public static bool HasNothing(JsonElement reply) => !Batch(reply).Any();

    /// <summary>How many documents were counted, of the aggregation of <see cref="MongodbCommand.Count"/>.</summary>
    public static long CountIn(JsonElement reply) => Batch(reply).Select(found => Member(found, "n").GetInt64()).FirstOrDefault();

    /// <summary>Names and fields of indexes in order, of listIndexes.</summary>
    public static IEnumerable<string> IndexesIn(JsonElement reply) => Batch(reply)
        .Select(index => $"{Member(index, "name").GetString()} ({string.Join(", ", Member(index, "key").EnumerateObject().Select(field => field.Name))})").Order(StringComparer.Ordinal);

    /// <summary>What of all that is needed the user may not do in a database, of connectionStatus; nothing where nobody has to log in.</summary>
    public static IReadOnlyList<string> MissingRights(JsonElement reply, string database)
    {
        var login = Member(reply, "authInfo");
        var allowed = Member(login, "authenticatedUserPrivileges").EnumerateArray().Where(p => IsOf(Member(p, "resource"), database))
            .SelectMany(p => Member(p, "actions").EnumerateArray().Select(action => action.GetString()!));
        return Member(login, "authenticatedUsers").GetArrayLength() == 0 ? [] : [.. Needed.Except(allowed)];
    }

    // { db: "", collection: "" } is every collection but the server's own; { anyResource: true } is everything.
    static bool IsOf(JsonElement resource, string database) =>
        (resource.TryGetProperty("anyResource", out var any) && any.ValueKind == JsonValueKind.True)
        || (resource.TryGetProperty("db", out var db) && resource.TryGetProperty("collection", out var collection)
            && collection.ValueEquals("") && (db.ValueEquals("") || db.ValueEquals(database)));

    static JsonElement Member(JsonElement reply, string name) => reply.ValueKind == JsonValueKind.Object && reply.TryGetProperty(name, out var found)
        ? found
        : throw new ServerException($"the server does not answer as MongoDB does: there is no {name} in what it says", "look at the versions of mongosh and of the server: they must be MongoDB's own");

    static IEnumerable<JsonElement> Batch(JsonElement reply)
    {
        var cursor = Member(reply, "cursor");
        // 0, in whichever form, says that there is no more.
        return Member(cursor, "id").GetRawText().Any(c => c is >= '1' and <= '9')
            ? throw new ServerException("the server has more to list than fits into one answer (16 MiB), which pitr does not expect", "bring the service back by itself: pitr restore --into")
            : Member(cursor, "firstBatch").EnumerateArray();
    }
}
