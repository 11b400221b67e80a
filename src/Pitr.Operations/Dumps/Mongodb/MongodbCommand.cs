using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pitr.Operations.Dumps.Mongodb;

/// <summary>A command of the server's (MongoDB Manual, Database Commands).</summary>
/// <param name="Database">The database it is run against.</param>
/// <param name="Json">The command, its name first.</param>
sealed record MongodbCommand(string Database, string Json)
{
    const string Admin = "admin";
    const string Durable = "\"writeConcern\":{\"w\":\"majority\"}";

    /// <summary>Error codes that are as good as success.</summary>
    public IReadOnlyList<long> Welcome { get; init; } = [];

    /// <summary>The database does not let this user do that.</summary>
    public const long Unauthorized = 13;

    /// <summary>There is no such collection (NamespaceNotFound).</summary>
    public const long NotFound = 26;

    /// <summary>What kind of server it is.</summary>
    public static MongodbCommand Hello { get; } = new(Admin, """{"hello":1}""");

    /// <summary>Who is logged in, and what that user may do.</summary>
    public static MongodbCommand ConnectionStatus { get; } = new(Admin, """{"connectionStatus":1,"showPrivileges":true}""");

    /// <summary>Names of the databases that this user may know of.</summary>
    public static MongodbCommand ListDatabases { get; } = new(Admin, """{"listDatabases":1,"nameOnly":true}""");

    /// <summary>Names and types of the collections of a database, all at once.</summary>
    public static MongodbCommand ListCollections(string database) => new(database, """{"listCollections":1,"nameOnly":true,"cursor":{"batchSize":1000000}}""");

    /// <summary>Its indexes.</summary>
    public static MongodbCommand ListIndexes(string database, string collection) => new(database, $$$"""{"listIndexes":{{{Text(collection)}}},"cursor":{"batchSize":1000000}}""");

    /// <summary>How many documents it has, one by one, as <c>countDocuments</c> of the shells asks.</summary>
    public static MongodbCommand Count(string database, string collection) =>
        new(database, $$$$"""{"aggregate":{{{{Text(collection)}}}},"pipeline":[{"$group":{"_id":null,"n":{"$sum":1}}}],"cursor":{}}""");

    /// <summary>Removes it; fine when it is gone already.</summary>
    public static MongodbCommand Drop(string database, string collection) => new(database, $$$"""{"drop":{{{Text(collection)}}},{{{Durable}}}}""") { Welcome = [NotFound] };

    /// <summary>Removes what a database is without collections; who may only drop collections leaves it.</summary>
    public static MongodbCommand DropEmptyDatabase(string database) => new(database, $$$"""{"dropDatabase":1,{{{Durable}}}}""") { Welcome = [Unauthorized] };

    static string Text(string value) => $"\"{JsonEncodedText.Encode(value, JavaScriptEncoder.Default)}\"";
}
