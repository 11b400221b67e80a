using Pitr.Format.Keys;
using Pitr.Operations.Verify;

namespace Pitr.Operations.Tests.Verify;

public sealed class VerifiedObjectsTests : IDisposable
{
    static readonly DateTimeOffset Now = Scenario.Start;

    readonly string _path = Path.Combine(Path.GetTempPath(), $"pitr-verified-{Guid.NewGuid():N}");

    public void Dispose() => File.Delete(_path);

    VerifiedObjects Load(string repository = "r", DateTimeOffset? now = null) => VerifiedObjects.Load(_path, repository, now ?? Now);

    static ulong Mark(VerifiedObjects known, int i = 1, long size = 100, int seconds = 0, string expected = "") => known.Mark($"services/main/packs/{i}", size, Now.AddSeconds(seconds), expected);

    [Fact]
    public void What_is_saved_is_known_as_long_as_it_is_the_same_object_of_the_same_repository()
    {
        var key = DataKeyId.New();
        var first = Load();
        for (var i = 0; i < 1000; i++)
        {
            first.Add(Mark(first, i), Now);
        }

        first.Add(key);
        first.Save(Now);

        var second = Load();
        Assert.Equal([key], second.Keys);
        Assert.All(Enumerable.Range(0, 1000), i => Assert.True(second.IsFresh(Mark(second, i), Now.AddMinutes(-1))));
        Assert.False(second.IsFresh(Mark(second), Now.AddMinutes(2)));
        Assert.False(second.IsFresh(Mark(second, 1001), DateTimeOffset.MinValue));
        Assert.False(second.IsFresh(Mark(second, size: 101), DateTimeOffset.MinValue));
        Assert.False(second.IsFresh(Mark(second, seconds: 1), DateTimeOffset.MinValue));
        Assert.False(second.IsFresh(Mark(second, expected: "00"), DateTimeOffset.MinValue));
        Assert.False(Load("other") is var other && other.IsFresh(Mark(other), DateTimeOffset.MinValue));

        second.Remove(Mark(second));
        Assert.False(second.IsFresh(Mark(second), DateTimeOffset.MinValue));
        second.Save(Now);
        Assert.False(Load() is var third && third.IsFresh(Mark(third), DateTimeOffset.MinValue));
    }

    [Fact]
    public void A_damaged_file_and_a_clock_that_was_wrong_are_not_believed()
    {
        var known = Load();
        known.Add(Mark(known), Now.AddYears(1));
        known.Save(Now);
        Assert.False(Load() is var early && early.IsFresh(Mark(early), DateTimeOffset.MinValue));
        Assert.True(Load(now: Now.AddYears(1)) is var late && late.IsFresh(Mark(late), Now));

        var whole = File.ReadAllBytes(_path);
        byte[][] damaged = [whole[..^1], [.. whole, 0], [], .. Enumerable.Range(0, whole.Length).Select(at => whole.Select((b, i) => i == at ? (byte)(b ^ 4) : b).ToArray())];
        foreach (var bad in damaged)
        {
            File.WriteAllBytes(_path, bad);
            Assert.False(Load(now: Now.AddYears(1)) is var read && read.IsFresh(Mark(read), DateTimeOffset.MinValue));
        }
    }

    [Fact]
    public void An_object_takes_12_bytes_and_one_that_is_not_seen_for_90_days_none()
    {
        const int Many = 100_000;
        var known = Load();
        known.Save(Now);
        var empty = new FileInfo(_path).Length;
        for (var i = 0; i < Many; i++)
        {
            known.Add(Mark(known, i), Now);
        }

        known.Save(Now);
        Assert.Equal(empty + (12 * Many), new FileInfo(_path).Length);

        var later = Load(now: Now.AddDays(91));
        Assert.True(later.IsFresh(Mark(later), Now));
        later.Save(Now.AddDays(91));
        Assert.Equal(empty + 12, new FileInfo(_path).Length);
    }
}
