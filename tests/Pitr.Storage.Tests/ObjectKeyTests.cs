using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Pitr.Storage.Tests;

public class ObjectKeyTests
{
    // Not theory data: an unpaired surrogate does not survive the way through a test runner.
    public static IReadOnlyList<string> IllegalKeys { get; } =
    [
        "", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/./b", "a/../b", "a/\n", "a\0b", "a\u007f", "a\u0085b", "a/.tmp-1", ".tmp-/b", "lost+found", "lost+found/a",
        "\ud800", "a\udc00", new('x', 256), "a/" + new string('é', 128), string.Join('/', Enumerable.Repeat(new string('x', 204), 5)) + "x",
    ];

    [Fact]
    public void Illegal_keys_are_named_with_the_rule_they_break()
    {
        foreach (var key in IllegalKeys)
        {
            Assert.False(ObjectKey.IsValid(key));
            var error = Assert.Throws<ArgumentException>(() => ObjectKey.Validate(key));
            Assert.StartsWith("object key \"", error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', error.Message);
            Assert.DoesNotContain('\ud800', error.Message);
        }
    }

    [Fact]
    public void Legal_keys_come_back_as_they_are()
    {
        foreach (var key in (string[])["a", "repository.json", "services/main/wal/00000001/00000000/000000010000000000000001", "...", new('x', 255),
            string.Join('/', Enumerable.Repeat(new string('x', 204), 5)), "🐘", " ", "a/.tmp", "a/lost+found", "lost+founder"])
        {
            Assert.Same(key, ObjectKey.Validate(key));
            Assert.Same(key, ObjectKey.ValidatePrefix(key, ListMode.Recursive));
            Assert.Equal(key + "/", ObjectKey.ValidatePrefix(key + "/", ListMode.Children));
        }
    }

    [Fact]
    public void The_beginning_of_a_key_is_a_prefix()
    {
        foreach (var prefix in (string[])["", "a", "a/", "a/.", "a/..", ".", "a/b", ".tmp"])
        {
            Assert.Same(prefix, ObjectKey.ValidatePrefix(prefix, ListMode.Recursive));
        }
    }

    [Fact]
    public void The_order_is_that_of_the_bytes()
    {
        var text = ArbMap.Default.GeneratorFor<NonNull<string>>().Select(value => value.Get);
        var emoji = Gen.Elements("", "🐘", "～", "z", "\ud7ff", "\ue000", "\U0010ffff").ListOf().Select(string.Concat);
        var key = Gen.OneOf(text, emoji).Where(value => !value.Any(char.IsSurrogate) || value.EnumerateRunes().All(rune => rune != Rune.ReplacementChar));
        Prop.ForAll(key.Two().ToArbitrary(), pair =>
        {
            var (left, right) = pair;
            var bytes = Encoding.UTF8.GetBytes(left).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right));
            Assert.Equal(Math.Sign(bytes), Math.Sign(ObjectKey.Compare(left, right)));
        }).QuickCheckThrowOnFailure();
    }
}
