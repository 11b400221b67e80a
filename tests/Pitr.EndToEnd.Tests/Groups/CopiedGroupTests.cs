using Pitr.EndToEnd.Tests.Dumps;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>Databases of MongoDB and collections of Qdrant in the restore of a group, with doubles of both and a real PostgreSQL: there, back, and for good.</summary>
[Collection(DumpedClusterCollection.Name)]
public sealed class CopiedGroupTests(DumpedCluster cluster)
{
    [Fact]
    public async Task A_group_goes_back_to_its_backup_and_forth_again_and_what_was_there_is_removed_only_when_confirmed()
    {
        await using var group = await CopiedGroupHost.CreateAsync(cluster, "grp_copied", "--replica-set");
        (await group.RunAsync("backup", "--all")).Must();
        var then = await group.StateAsync();
        await group.ChangeAsync();
        await group.Vectors.LoadAsync("new ones", 4);
        await group.Documents.LoadAsync("newest", "things", 1, 1);
        var now = await group.StateAsync();
        Assert.NotEqual(then, now);

        var plan = (await group.RunAsync("restore", "--all", "latest", "--dry-run")).Must().Output;
        Assert.All(
            ["documents: copy database shop to shop_before_", "remove shop and restore it", "vectors: copy collection movies to movies_before_", "left as it is: newest", "left as it is: new ones", "users and roles stay as they are"],
            word => Assert.Contains(word, plan, StringComparison.Ordinal));
        Assert.Equal(now, await group.StateAsync());
        await group.RequireNothingAsideAsync();

        var restored = (await group.RunAsync("restore", "--all", "latest")).Must();
        Assert.All([MongodbDouble.Password, Uri.EscapeDataString(MongodbDouble.Password), QdrantDouble.ApiKey], secret => Assert.DoesNotContain(secret, $"{restored}{string.Join('\n', group.Documents.Calls)}", StringComparison.Ordinal));
        var state = await group.StateAsync();
        Assert.Contains("newest", state, StringComparison.Ordinal);
        // The alias that was made since stands for the restored collection.
        Assert.Equal((then.Split('\n')[0], 250), (state.Split('\n')[0], (await group.Documents.ShowAsync())["shop.orders"]));
        Assert.Equal((2000, 4), ((await group.Vectors.PointsAsync())["movies"], (await group.Vectors.PointsAsync())["new ones"]));
        Assert.Equal(["cinema", "films"], (await group.Vectors.AliasesAsync()).Keys.Order());
        Assert.DoesNotContain("later", group.Documents.ContentOf("shop"), StringComparison.Ordinal);
        Assert.Equal(5, (await group.AsideAsync()).Count(name => name.Contains("_before_", StringComparison.Ordinal)));
        Assert.Empty(await group.Vectors.SnapshotsAsync());

        // Something is written before somebody finds that it was the wrong moment.
        await group.Documents.LoadAsync("shop", "orders", 900, 901);
        await group.Vectors.LoadAsync("songs", 2, first: 900);
        Assert.Contains("the restored shop is kept as shop_undone_", (await group.RunAsync("restore", "--all", "--roll-back")).Must().Output, StringComparison.Ordinal);
        Assert.Equal(now, await group.StateAsync());
        var aside = await group.AsideAsync();
        Assert.All(aside, name => Assert.Contains("_undone_", name, StringComparison.Ordinal));
        Assert.Equal(252, (await group.Documents.ShowAsync())[$"{aside.Single(n => n.StartsWith("shop_", StringComparison.Ordinal))}.orders"]);
        Assert.Equal(5, (await group.Vectors.PointsAsync())[aside.Single(n => n.StartsWith("songs_", StringComparison.Ordinal))]);

        (await group.RunAsync("restore", "--all", "latest", "--component", "vectors", "--component", "documents")).Must();
        Assert.Contains("_before_", string.Join(' ', await group.AsideAsync()), StringComparison.Ordinal);
        Assert.Contains("is removed", (await group.RunAsync("restore", "--all", "--confirm")).Must().Output, StringComparison.Ordinal);
        Assert.Equal(aside, await group.AsideAsync());
        Assert.Equal(250, (await group.Documents.ShowAsync())["shop.orders"]);
    }

    [Fact]
    public async Task What_is_not_there_is_made_and_is_gone_again_after_the_way_back()
    {
        await using var group = await CopiedGroupHost.CreateAsync(null, "none", "--roles", "backup,restore,dbAdminAnyDatabase");
        (await group.RunAsync("backup", "--all")).Must();
        await group.Vectors.RemoveAsync("movies");
        await group.Documents.RemoveAsync("shop");
        var now = await group.StateAsync();
        group.Touch("fail-check");
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("there is no database shop, as before", "there is no collection movies, as before", "database stock is what it was");
        Assert.Equal(now, await group.StateAsync());
        File.Delete(group["fail-check"]);
        (await group.RunAsync("restore", "--all", "latest", "--remove-old")).Must();
        Assert.Equal((250, 2000), ((await group.Documents.ShowAsync())["shop.orders"], (await group.Vectors.PointsAsync())["movies"]));
        Assert.DoesNotContain(await group.AsideAsync(), name => name.Contains("_before_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_cannot_come_to_a_good_end_is_refused_before_anything_is_changed()
    {
        await using var group = await CopiedGroupHost.CreateAsync(null, "none", "--roles", "backup");
        (await group.RunAsync("backup", "--all")).Must();
        await group.ChangeAsync();
        var now = await group.StateAsync();
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("the user of service documents may not insert, createCollection, createIndex, dropCollection in database shop", "give it the roles backup and restore");
        File.Delete(Path.Combine(group.Documents.Tools, "mongosh"));
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("no mongosh found", "install mongodb-mongosh");
        await group.Vectors.RemoveAsync("songs");
        await group.Vectors.AliasAsync("songs", "movies");
        (await group.RunAsync("restore", "--all", "latest", "--component", "vectors")).Must(7).MustSay("songs is an alias of collection movies", "remove the alias first");
        (await group.RunAsync("restore", "vectors", "--database", "songs")).Must(7).MustSay("songs is an alias of collection movies");
        Assert.Equal(2007, (await group.Vectors.PointsAsync())["movies"]);
        Assert.Empty(group.Applications.Told);
        Assert.NotEmpty(now);
        await group.RequireNothingAsideAsync();
    }

    [Fact]
    public async Task A_sharded_cluster_and_names_that_would_be_too_long_are_refused()
    {
        await using var group = await CopiedGroupHost.CreateAsync(null, "none", "--sharded");
        (await group.RunAsync("backup", "--all")).Must();
        (await group.RunAsync("restore", "--all", "latest")).Must(7).MustSay("the router of a sharded cluster");
        await using var other = await CopiedGroupHost.CreateAsync(null, "none");
        await other.Documents.LoadAsync("shop", new string('n', 230), 1, 1);
        (await other.RunAsync("backup", "--all")).Must();
        (await other.RunAsync("restore", "--all", "latest")).Must(7).MustSay("could not be kept in database shop_before_", "longer than 255 bytes");
        await other.RequireNothingAsideAsync();
    }
}
