using Pitr.Operations.Dumps.Redis.InPlace;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>Where a Redis server loads its data from.</summary>
public sealed class RedisPlacesTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("pitr-places-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("no", true, "dump.rdb")]
    [InlineData("yes", true, "appendonlydir")]
    [InlineData("yes", false, "appendonly.aof")]
    public void It_is_what_the_server_says(string appendOnly, bool hasManifest, string place) =>
        Assert.Equal(Path.Combine(_directory, place), Read(hasManifest, ("appendonly", appendOnly)).Place);

    [Fact]
    public void A_server_that_does_not_say_loads_what_it_wrote()
    {
        Assert.False(Read(hasManifest: true).AppendOnly);
        Directory.CreateDirectory(Path.Combine(_directory, "appendonlydir"));
        Assert.True(Read(hasManifest: true).AppendOnly);
        Assert.False(Read(hasManifest: true, ("appendonly", "no")).AppendOnly);
    }

    [Fact]
    public void The_append_only_file_gets_a_base_and_a_manifest_that_names_it()
    {
        var file = Path.Combine(_directory, "new.rdb");
        File.WriteAllText(file, "REDIS0010");
        Read(hasManifest: true, ("appendonly", "yes"), ("appenddirname", "log dir"), ("appendfilename", "the \"log\"")).Put(file);
        var placed = Path.Combine(_directory, "log dir");
        Assert.Equal("REDIS0010", File.ReadAllText(Path.Combine(placed, "the \"log\".1.base.rdb")));
        Assert.Equal("file \"the \\\"log\\\".1.base.rdb\" seq 1 type b\n", File.ReadAllText(Path.Combine(placed, "the \"log\".manifest")));
        Assert.False(File.Exists(file));
    }

    [Theory]
    [InlineData("../dump.rdb")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    [InlineData("")]
    public void A_name_that_leads_elsewhere_is_refused(string name) => Assert.Throws<RefusedInputException>(() => Read(hasManifest: true, ("dbfilename", name)));

    RedisPlaces Read(bool hasManifest, params (string Name, string Value)[] configuration) =>
        RedisPlaces.Read(_directory, configuration.ToDictionary(c => c.Name, c => c.Value, StringComparer.Ordinal), hasManifest);
}
