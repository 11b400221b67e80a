using Pitr.EndToEnd.Tests.Dumps;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Groups;

/// <summary>Whatever fails while MongoDB and Qdrant (doubles of both) are restored in a group, they are what they were, or can be brought there.</summary>
public sealed class CopiedGroupFaultTests
{
    static async Task<(CopiedGroupHost Group, string Now)> ChangedAsync()
    {
        var group = await CopiedGroupHost.CreateAsync(null, "none");
        (await group.RunAsync("backup", "--all")).Must();
        await group.ChangeAsync();
        return (group, await group.StateAsync());
    }

    [Fact]
    public async Task A_health_check_that_fails_puts_everything_back_and_keeps_what_was_in_use()
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        group.Touch("fail-check");
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("the health check did not pass", "database shop is what it was", "collection movies is what it was", "their applications are started");
        Assert.Equal(now, await group.StateAsync());
        Assert.All(await group.AsideAsync(), name => Assert.Contains("_undone_", name, StringComparison.Ordinal));
        Assert.Empty(await group.Vectors.SnapshotsAsync());
    }

    [Theory]
    [InlineData("unindexed", "the copy of shop on MongoDB", "it lacks collection later with 2 documents and indexes _id_ (_id), by_text (text)")]
    [InlineData("refuse", "mongorestore failed with code 1", "not authorized on shop_before_")]
    [InlineData("lossy", "document(s) failed to restore")]
    public async Task A_copy_of_a_database_that_is_not_the_same_leaves_the_original_alone(string fault, params string[] said)
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        group.Documents.Fault = fault;
        (await group.RunAsync("restore", "--all", "latest", "--component", "documents")).Must(10).MustSay([.. said, "documents: database shop is what it was"]);
        Assert.Equal(now, await group.StateAsync());
        await group.RequireNothingAsideAsync();
    }

    [Theory]
    [InlineData("lossy", "is not the same: it has 2006 points instead of 2007")]
    [InlineData("upload", "No space left on device")]
    [InlineData("refuse", "No space left on device")]
    [InlineData("truncate", "went away while it sent snapshot movies-")]
    [InlineData("checksum", "nothing was made of it")]
    public async Task A_copy_of_a_collection_that_is_not_the_same_leaves_the_original_alone(string fault, string said)
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        await group.Vectors.FailAsync(fault);
        (await group.RunAsync("restore", "--all", "latest", "--component", "vectors")).Must(10).MustSay("restoring service vectors failed", said, "vectors: collection movies is what it was");
        await group.Vectors.FailAsync("");
        Assert.Equal(now, await group.StateAsync());
        await group.RequireNothingAsideAsync();
    }

    [Fact]
    public async Task Servers_that_end_in_the_middle_are_put_back_when_they_are_there_again()
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        await group.Vectors.FailAsync("die-restore");
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("rolling back failed: vectors: ", "cannot be reached", "applications are not started", "pitr restore --all --roll-back");
        await group.RestartVectorsAsync();
        // Nobody knows what became of the upload that it had got.
        Assert.Contains("stays, because the server may still have been at work", (await group.RunAsync("restore", "--all", "--roll-back")).Must().Output, StringComparison.Ordinal);
        Assert.Equal(now, await group.StateAsync());
        foreach (var copy in await group.AsideAsync())
        {
            await group.Vectors.RemoveAsync(copy);
        }

        group.Documents.Fault = "die-restore";
        (await group.RunAsync("restore", "--all", "latest")).Must(10).MustSay("rolling back failed: documents: ", "connection refused", "pitr restore --all --roll-back");
        (await group.RunAsync("restore", "--all", "latest")).Must(8).MustSay("was interrupted");
        group.Documents.Fault = "";
        (await group.RunAsync("restore", "--all", "--roll-back")).Must();
        Assert.Equal(now, await group.StateAsync());
        await group.RequireNothingAsideAsync();
    }

    [Fact]
    public async Task A_tool_that_outlives_pitr_is_ended_before_anything_is_put_back()
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        group.Documents.Fault = "linger-restore";
        using (var restore = group.Host.Start("restore", "--all", "latest", "--component", "documents"))
        {
            await Eventually.IsTrueAsync(() => restore.HasExited || File.Exists(Path.Combine(group.Documents.Tools, "lingering")), () => "the backup is being restored");
            await restore.KillAsync();
        }

        group.Documents.Fault = "";
        Assert.Contains("which a run that was killed had left at work, was ended", (await group.RunAsync("restore", "--all", "--roll-back")).Must().Output, StringComparison.Ordinal);
        Assert.Equal(now, await group.StateAsync());
        await group.RequireNothingAsideAsync();
    }

    [Fact]
    public async Task What_an_upload_that_outlives_pitr_would_replace_stays_aside()
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        await group.Vectors.FailAsync("slow-upload-restore");
        using (var restore = group.Host.Start("restore", "--all", "latest", "--component", "vectors"))
        {
            await Eventually.IsTrueAsync(async () => restore.HasExited || (await group.Vectors.UnpackingAsync()).Count > 0, () => "an upload has come");
            await restore.KillAsync();
        }

        await group.Vectors.FailAsync("");
        Assert.Contains("stays, because the server may still have been at work", (await group.RunAsync("restore", "--all", "--roll-back")).Must().Output, StringComparison.Ordinal);
        var kept = (await group.AsideAsync()).Single(name => name.StartsWith("movies_before_", StringComparison.Ordinal));
        await Eventually.IsTrueAsync(async () => (await group.Vectors.UnpackingAsync()).Count == 0, () => "the upload is done");
        Assert.Equal(2007, (await group.Vectors.PointsAsync())[kept]);
        // This is what it stays for: the backup came after all.
        Assert.Equal(2000, (await group.Vectors.PointsAsync())["movies"]);
        Assert.NotEqual(now, await group.StateAsync());
    }

    [Fact]
    public async Task Wherever_it_is_killed_what_was_there_comes_back()
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        var states = new HashSet<string>(StringComparer.Ordinal);
        // Killed at its first step with a service, then at its second, until one comes to its end before it is killed.
        for (var (step, ended) = (1, false); !ended; step++)
        {
            using var restore = group.Host.Start("restore", "--all", "latest");
            var last = await AwaitStepAsync(group, restore, step, "");

            ended = restore.HasExited;
            await restore.KillAsync();
            states.Add(last);
            var said = File.Exists(group.JournalFile) ? (await group.RunAsync("restore", "--all", "--roll-back")).Must().Output : "";
            Assert.Equal(now, await group.StateAsync());
            Assert.False(File.Exists(group.JournalFile));
            Assert.Empty(await group.Vectors.SnapshotsAsync());
            Assert.All(await group.AsideAsync(), name => Assert.True(name.Contains("_undone_", StringComparison.Ordinal) || said.Contains($"{name} stays", StringComparison.Ordinal) || states.Count > 1, $"{name}: {said}"));
        }

        Assert.True(states.Count > 7, $"killed in {states.Count} different states");
    }

    [Fact]
    public async Task A_way_back_that_is_killed_goes_on()
    {
        var (group, now) = await ChangedAsync();
        await using var _ = group;
        for (var (step, ended) = (1, false); !ended; step++)
        {
            (await group.RunAsync("restore", "--all", "latest", "--component", "documents", "--component", "vectors")).Must();
            using (var back = group.Host.Start("restore", "--all", "--roll-back"))
            {
                await AwaitStepAsync(group, back, step, File.ReadAllText(group.JournalFile));
                ended = back.HasExited;
                await back.KillAsync();
            }

            if (File.Exists(group.JournalFile))
            {
                (await group.RunAsync("restore", "--all", "--roll-back")).Must();
            }

            Assert.Equal(now, await group.StateAsync());
            Assert.All(await group.AsideAsync(), name => Assert.Contains("_undone_", name, StringComparison.Ordinal));
        }
    }

    // Until the journal has been written so many times since a service was begun; what it says then.
    static async Task<string> AwaitStepAsync(CopiedGroupHost group, RunningProgram run, int step, string last)
    {
        for (var seen = 0; seen < step && !run.HasExited; await Task.Delay(1))
        {
            if (TryRead(group.JournalFile) is { Length: > 0 } text && text != last && !text.Contains("\"phase\": \"Stopping\"", StringComparison.Ordinal))
            {
                (seen, last) = (seen + 1, text);
            }
        }

        return last;
    }

    static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            // Not there yet.
            return null;
        }
    }
}
