using Pitr.Operations.Files.Journal;

namespace Pitr.Operations.Tests.Files.Journal;

/// <summary>What is known to be stored where no cursor says so.</summary>
public sealed class JournalSequencesTests
{
    const string Real = "s=45242fed3a2842e19f952445f7203221;i=3e4;b=0123456789abcdef0123456789abcdef;m=3b4e82a8;t=60a24536cbec0;x=4193211f6f1a2aa7";

    [Fact]
    public void A_cursor_says_what_entry_it_is()
    {
        Assert.True(JournalCursor.TryParse(Real, out var cursor));
        Assert.Equal(new JournalCursor("45242fed3a2842e19f952445f7203221", 996, 0x60a24536cbec0), cursor);
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData("s=;i=1;t=1")]
    [InlineData("s=a;i=1")]
    [InlineData("s=a;t=1")]
    [InlineData("s=a;i=ffffffffffffffff;t=1")]
    [InlineData("a new form")]
    public void One_of_another_form_is_not_guessed_at(string text)
    {
        var sequences = new JournalSequences([]);
        sequences.Add(text);

        Assert.False(JournalCursor.TryParse(text, out _));
        Assert.False(sequences.Holds(text));
        Assert.Empty(sequences.ToRecord());
    }

    [Fact]
    public void Entries_are_stored_up_to_the_highest_number_and_the_latest_time()
    {
        var sequences = new JournalSequences([]);
        sequences.Add("s=a;i=5;t=64");
        sequences.Add("s=b;i=1;t=1");
        sequences.Add("s=a;i=4;t=65");

        Assert.True(sequences.Holds("s=a;i=5;t=65"));
        Assert.True(sequences.Holds("s=a;i=1;t=1"));
        Assert.False(sequences.Holds("s=a;i=6;t=1"));
        Assert.False(sequences.Holds("s=a;i=3;t=66"));
        Assert.False(sequences.Holds("s=c;i=1;t=1"));
        Assert.Equal(["b", "a"], sequences.ToRecord().Select(s => s.Id));
    }

    [Fact]
    public void The_numberings_that_were_used_last_are_kept()
    {
        var sequences = new JournalSequences([]);
        for (var i = 0; i < 100; i++)
        {
            sequences.Add($"s=x{i};i=1;t=1");
        }

        Assert.Equal(16, sequences.ToRecord().Count);
        Assert.Equal("x99", sequences.ToRecord()[^1].Id);
    }
}
