using Pitr.Storage.Ftp;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>Answers that contradict each other: what comes between two of them is asked for again, what stays refused is an error.</summary>
public class FtpContradictionTests
{
    const string Key = "wal/00000001/segment";

    [Fact]
    public async Task An_object_that_comes_step_by_step_between_the_answers_is_found()
    {
        // Its directory came between two answers, then the one below it, then itself.
        var contradictions = new Queue<string>(["wal", "wal/00000001", Key]);
        var asked = 0;
        var found = await FtpContradictionException.AskAsync(() =>
        {
            asked++;
            return contradictions.TryDequeue(out var name) ? Task.FromException<string>(Contradiction(name)) : Task.FromResult("there");
        });
        Assert.Equal(("there", 4), (found, asked));
    }

    [Fact]
    public async Task What_is_listed_and_refused_twice_is_refused()
    {
        var asked = 0;
        var error = await Assert.ThrowsAsync<StorageException>(() => FtpContradictionException.AskAsync(() =>
        {
            asked++;
            return Task.FromException<string>(Contradiction("wal/00000001"));
        }));
        Assert.Equal((2, "offsite", Key, "refused"), (asked, error.Repository, error.Key, error.Reason));
    }

    static FtpContradictionException Contradiction(string found) =>
        new(new StorageException("offsite", Key, "refused", isTransient: false, hint: null), found);
}
