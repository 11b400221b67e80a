using System.Text.Json;
using Pitr.Format;
using Pitr.Format.Layout;
using Pitr.Format.Sealing;
using Pitr.Operations.Verify;
using Pitr.Storage;

namespace Pitr.Operations.Repositories.Belonging;

/// <summary>
/// What the first bytes of an object say against it: whether what lies there begins as its kind of key demands. Of sealed objects these are the header, of documents a
/// few kilobytes; the rest is for <c>pitr verify</c>.
/// </summary>
static class ObjectHead
{
    /// <summary>Most bytes that are read of an object.</summary>
    public const int MostBytes = 4096;

    const int KnownFormat = 1;
    const int SumDigits = 64;

    /// <summary>Reads the beginning of an object and judges it.</summary>
    /// <param name="store">The repository.</param>
    /// <param name="key">The object's key.</param>
    /// <param name="place">What the key is for; not <see cref="RepositoryKeyKind.Other"/>.</param>
    /// <param name="size">The object's size, as listed.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <returns>What is wrong; null when nothing is.</returns>
    /// <exception cref="ObjectNotFoundException">It is gone by now.</exception>
    /// <exception cref="StorageException">It could not be read.</exception>
    public static async Task<(FindingKind Kind, string Text)?> JudgeAsync(IObjectStore store, string key, RepositoryKey place, long size, CancellationToken cancellation)
    {
        var kind = ObjectOpener.SealedKind(place.Kind);
        var head = new byte[Math.Min(size, kind is null ? MostBytes : SealedObjectHeader.Size)];
        await using (var stream = await store.OpenReadAsync(key, new ByteRange(0, head.Length), cancellation))
        {
            await stream.ReadExactlyAsync(head, cancellation);
        }

        return (kind, place.Kind) switch
        {
            ({ } expected, _) => JudgeSealed(expected, head, size),
            (_, RepositoryKeyKind.DumpSums) => JudgeSums(head),
            _ => JudgeDocument(place, head, isWhole: head.Length == size),
        };
    }

    static (FindingKind, string)? JudgeSealed(SealedObjectKind kind, byte[] head, long size)
    {
        var begins = head.AsSpan(0, Math.Min(head.Length, SealedObjectHeader.Magic.Length));
        if (begins.Length < SealedObjectHeader.Magic.Length || !begins.SequenceEqual(SealedObjectHeader.Magic))
        {
            return size == 0 ? (FindingKind.Damaged, "is empty") : (FindingKind.NotSealed, $"is not sealed: it begins with {Convert.ToHexStringLower(begins)}");
        }

        try
        {
            var header = SealedObjectHeader.Parse(head);
            if (header.Kind != kind)
            {
                return (FindingKind.WrongContent, $"is a sealed object of kind {Word(header.Kind)}, and one of kind {Word(kind)} belongs there");
            }

            header.RequireStoredLength(size);
            return null;
        }
        catch (UnsupportedFormatException e)
        {
            return (FindingKind.NewerFormat, e.Message);
        }
        catch (DamagedObjectException e)
        {
            return (FindingKind.Damaged, e.Message);
        }
    }

    // As sha256sum(1) reads it: 64 digits, two blanks (or a comment).
    static (FindingKind, string)? JudgeSums(byte[] head)
    {
        if (head.Length == 0)
        {
            return (FindingKind.Damaged, "is empty");
        }

        var first = head.AsSpan(0, Math.Min(head.Length, SumDigits + 2));
        var isSum = head[0] == '#' || (first.Length == SumDigits + 2 && first[SumDigits..].SequenceEqual("  "u8) && !first[..SumDigits].ContainsAnyExcept("0123456789abcdef"u8));
        return isSum ? null : (FindingKind.WrongContent, "is no list of SHA-256 sums");
    }

    static (FindingKind, string)? JudgeDocument(RepositoryKey place, byte[] head, bool isWhole)
    {
        if (head.Length == 0)
        {
            return (FindingKind.Damaged, "is empty");
        }

        if (head.AsSpan().StartsWith(SealedObjectHeader.Magic))
        {
            return (FindingKind.WrongContent, "is sealed, and a clear document belongs there");
        }

        try
        {
            // A lease has no format.
            return Format(head, isWhole) switch
            {
                > KnownFormat and var newer => (FindingKind.NewerFormat, $"has format {newer}, this version reads {KnownFormat}"),
                null when isWhole && place.Kind != RepositoryKeyKind.Lock => (FindingKind.Damaged, "is a document without a format number"),
                _ => null,
            };
        }
        catch (JsonException e)
        {
            return (FindingKind.WrongContent, $"is no document: {e.Message}");
        }
    }

    // The format of a document of which a part may be all there is to see; null when that part does not say.
    static int? Format(byte[] head, bool isWhole)
    {
        var reader = new Utf8JsonReader(head, isWhole, default);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("it does not begin as a JSON object");
        }

        int? format = null;
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("format"u8) && reader.Read())
            {
                format = reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var number) ? number : throw new JsonException("its format is no number");
            }
        }

        return format;
    }

    static string Word(SealedObjectKind kind) => kind.ToString().ToLowerInvariant();
}
