using System.Text.Json;
using Pitr.Operations.Dumps.Mongodb;
using Pitr.Postgres;

namespace Pitr.Operations.Tests.Dumps.Mongodb;

/// <summary>The server's commands and answers, as its manual has them.</summary>
public sealed class MongodbReplyTests
{
    [Fact]
    public void Commands_are_JSON_with_their_name_first_whatever_the_names()
    {
        MongodbCommand[] commands =
        [
            MongodbCommand.Hello, MongodbCommand.ConnectionStatus, MongodbCommand.ListDatabases, MongodbCommand.ListCollections("shop"), MongodbCommand.ListIndexes("shop", "a\"}b"),
            MongodbCommand.Count("shop", "a\\b"), MongodbCommand.Drop("shop", "ü\n'"), MongodbCommand.DropEmptyDatabase("shop"),
        ];
        Assert.Equal(
            ["hello", "connectionStatus", "listDatabases", "listCollections", "listIndexes", "aggregate", "drop", "dropDatabase"], commands.Select(c => Parse(c.Json).EnumerateObject().First().Name));
        Assert.Equal("a\"}b", Parse(commands[4].Json).GetProperty("listIndexes").GetString());
        Assert.Equal("ü\n'", Parse(commands[6].Json).GetProperty("drop").GetString());
        Assert.Equal("majority", Parse(commands[7].Json).GetProperty("writeConcern").GetProperty("w").GetString());
    }

    [Fact]
    public void Collections_are_what_somebody_has_made()
    {
        var reply = Batch("""{"name":"orders","type":"collection"},{"name":"system.views","type":"collection"},{"name":"heat","type":"timeseries"},{"name":"system.buckets.heat","type":"collection"},{"name":"recent","type":"view"},{"name":"system.js","type":"collection"}""");
        Assert.Equal(["heat", "orders", "recent", "system.js"], MongodbReply.CollectionsIn(reply).Select(c => c.Name));
        Assert.True(MongodbReply.CollectionsIn(reply).Single(c => c.Name == "recent").IsView);
        Assert.True(MongodbReply.CollectionsIn(reply).Single(c => c.Name == "heat").IsTimeseries);
        Assert.False(MongodbReply.HasNothing(reply));
        Assert.True(MongodbReply.HasNothing(Batch("")));
        Assert.Empty(MongodbReply.CollectionsIn(Batch("""{"name":"system.views","type":"collection"}""")));
    }

    [Fact]
    public void Counts_and_indexes_are_read()
    {
        Assert.Equal(7_000_000_000, MongodbReply.CountIn(Batch("""{"_id":null,"n":7000000000}""")));
        Assert.Equal(0, MongodbReply.CountIn(Batch("")));
        Assert.Equal(["_id_ (_id)", "by (a, b)"], MongodbReply.IndexesIn(Batch("""{"v":2,"key":{"a":1,"b":-1},"name":"by"},{"v":2,"key":{"_id":1},"name":"_id_"}""")));
    }

    [Fact]
    public void An_answer_that_is_no_answer_or_not_all_of_it_is_refused()
    {
        Assert.Contains("there is no cursor", Assert.Throws<ServerException>(() => MongodbReply.CollectionsIn(Parse("{}"))).Message, StringComparison.Ordinal);
        Assert.Contains("there is no databases", Assert.Throws<ServerException>(() => MongodbReply.DatabasesIn(Parse("[]")).ToArray()).Message, StringComparison.Ordinal);
        Assert.Contains("16 MiB", Assert.Throws<ServerException>(() => MongodbReply.CollectionsIn(Parse("""{"cursor":{"id":{"$numberLong":"42"},"firstBatch":[]}}"""))).Message, StringComparison.Ordinal);
        Assert.Empty(MongodbReply.CollectionsIn(Parse("""{"cursor":{"id":{"$numberLong":"0"},"firstBatch":[]}}""")));
    }

    [Theory]
    [InlineData("""{"db":"","collection":""}""", "")]
    [InlineData("""{"anyResource":true}""", "")]
    [InlineData("""{"db":"shop","collection":""}""", "")]
    [InlineData("""{"db":"other","collection":""}""", "find insert createCollection createIndex dropCollection listCollections listIndexes")]
    [InlineData("""{"db":"shop","collection":"orders"}""", "find insert createCollection createIndex dropCollection listCollections listIndexes")]
    [InlineData("""{"cluster":true}""", "find insert createCollection createIndex dropCollection listCollections listIndexes")]
    public void A_right_counts_for_what_it_is_of(string resource, string missing)
    {
        var reply = Status("""[{"user":"dumper","db":"admin"}]""", resource, "find", "insert", "createCollection", "createIndex", "dropCollection", "listCollections", "listIndexes");
        Assert.Equal(missing, string.Join(' ', MongodbReply.MissingRights(reply, "shop")));
    }

    [Fact]
    public void Rights_come_together_and_who_need_not_log_in_has_all()
    {
        Assert.Equal(["createCollection", "createIndex", "dropCollection", "insert"], MongodbReply.MissingRights(Status("""[{"user":"dumper","db":"admin"}]""", """{"db":"","collection":""}""", "find", "listCollections", "listIndexes"), "shop").Order());
        Assert.Empty(MongodbReply.MissingRights(Status("[]", """{"db":"","collection":""}"""), "shop"));
    }

    static JsonElement Batch(string documents) => Parse($$$"""{"cursor":{"id":0,"ns":"shop.$cmd","firstBatch":[{{{documents}}}]},"ok":1}""");

    static JsonElement Status(string users, string resource, params string[] actions) =>
        Parse($$$"""{"authInfo":{"authenticatedUsers":{{{users}}},"authenticatedUserRoles":[],"authenticatedUserPrivileges":[{"resource":{{{resource}}},"actions":[{{{string.Join(',', actions.Select(a => $"\"{a}\""))}}}]}]},"ok":1}""");

    static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
