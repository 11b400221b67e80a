using System.Text;

namespace Pitr.Operations.Groups;

/// <summary>Names aside: what it was called, why it is aside, and since when.</summary>
static class GroupNames
{
    /// <summary>Longest name of a database: NAMEDATALEN - 1 bytes of PostgreSQL; MySQL and MariaDB take 64 characters.</summary>
    public const int Longest = 63;

    /// <summary>The name aside of something.</summary>
    /// <param name="place">What it is called.</param>
    /// <param name="why">before, new or undone.</param>
    /// <param name="id">Of the restore.</param>
    /// <param name="number">Of the thing, from 0: part of the name where that has to be cut.</param>
    public static string Of(string place, string why, string id, int number)
    {
        var end = $"_{why}_{id.ToLowerInvariant()}";
        if (Encoding.UTF8.GetByteCount(place) + end.Length <= Longest)
        {
            return place + end;
        }

        end = $"_{number}{end}";
        var kept = new StringBuilder();
        var length = end.Length;
        foreach (var rune in place.EnumerateRunes())
        {
            length += rune.Utf8SequenceLength;
            if (length > Longest)
            {
                break;
            }

            kept.Append(rune.ToString());
        }

        return kept + end;
    }
}
