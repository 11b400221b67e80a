using System.Globalization;
using System.Text.Json.Serialization;

namespace Pitr.Operations.Drill;

/// <summary>What was found in a restored tree, by walking through it, beside the last drill of the same paths that passed.</summary>
/// <param name="Paths">The globs that were asked for; none: everything.</param>
/// <param name="Files">Regular files.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Directories">Directories.</param>
/// <param name="Links">Symbolic links.</param>
/// <param name="HardLinks">Further names of files.</param>
/// <param name="Specials">Named pipes and devices.</param>
/// <param name="ComparedWith">Id of the drill that it is compared with; null when there is none.</param>
/// <param name="FilesBefore">Regular files in that one; null when there is none.</param>
public sealed record DrillTree(
    IReadOnlyList<string> Paths, long Files, long Bytes, long Directories, long Links, long HardLinks, long Specials, string? ComparedWith = null, long? FilesBefore = null)
{
    // A tree that has lost more than this has mostly lost a disk, or somebody has excluded it by mistake.
    const int LeastShare = 2;

    /// <summary>Puts it beside an earlier drill.</summary>
    /// <param name="earlier">The last of the same paths that passed; null when there is none.</param>
    /// <returns>The tree, and what somebody should look at: that half of the files are gone.</returns>
    public (DrillTree Tree, string? Warning) Beside(DrillReport? earlier)
    {
        if (earlier?.Tree is not { } before)
        {
            return (this, null);
        }

        return (
            this with { ComparedWith = earlier.Id, FilesBefore = before.Files },
            Files * LeastShare < before.Files ? string.Create(CultureInfo.InvariantCulture, $"{Files:N0} files, where drill {earlier.Id} found {before.Files:N0}") : null);
    }

    /// <summary>How it was before, in words.</summary>
    [JsonIgnore]
    public string Earlier => ComparedWith is null ? "no drill to compare it with" : string.Create(CultureInfo.InvariantCulture, $"{FilesBefore:N0} files in drill {ComparedWith}");

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Files:N0} files with {Bytes:N0} bytes, {Directories:N0} directories, {Links:N0} symbolic links, {HardLinks:N0} further names, {Specials:N0} pipes and devices");
}
