using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;
using Pitr.Operations.Files;

namespace Pitr.Operations.Drill.Files;

/// <summary>Holds the names, types, rights, times, links and attributes of a restored tree against the manifest. For one thread.</summary>
/// <param name="plan">What should be there.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="restored">What the restore says it could not do.</param>
/// <param name="findings">Takes what is wrong.</param>
sealed class RestoredStatus(TreePlan plan, SafeFileHandle root, FilesRestored restored, Findings findings)
{
    const int SetIds = 0xC00;
    const int LongestTarget = 4096;

    readonly AccountNames _accounts = new();
    readonly bool _isRoot = LibC.EffectiveUser() == 0;
    int _attributes;

    /// <summary>Does it.</summary>
    public void Compare(CancellationToken cancellation)
    {
        using var handles = new TreeHandles(plan.Directories, root);
        using var others = new TreeHandles(plan.Directories, root);
        foreach (var (entry, path) in plan.Entries(cancellation))
        {
            if (IsLeftOut(entry))
            {
                continue;
            }

            var (directory, name) = plan.PlaceOf(path);
            if (handles.TryOpen(directory) is not { } within || TreeCalls.StatX(within, name, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var status) != 0)
            {
                var error = Marshal.GetLastPInvokeError();
                if (error == TreeCalls.AccessDenied && !_isRoot)
                {
                    findings.AddClosed();
                }
                else
                {
                    findings.Add(TreeError.Of(error, "is not there", "/" + path).Message);
                }

                continue;
            }

            if (Difference(entry, status, within, name, others) is { } difference)
            {
                findings.Add($"/{path} {difference}");
            }
            else
            {
                CompareAttributes(entry, within, name, path);
            }
        }

        if (_attributes > restored.AttributesLeftOut)
        {
            findings.Add($"{_attributes} extended attributes are not as in the backup; {restored.AttributesLeftOut} could not be set here");
        }
    }

    bool IsLeftOut(ManifestEntry entry) =>
        entry.Metadata?.Special is { } special && (special == FileMetadata.Socket || (special != FileMetadata.Fifo && !_isRoot));

    string? Difference(ManifestEntry entry, in TreeStatus status, SafeFileHandle within, byte[] name, TreeHandles others)
    {
        if (entry.Kind == ManifestEntryKind.HardLink)
        {
            var (first, firstName) = plan.PlaceOf(plan.FirstNameOf(entry.Target!));
            return others.TryOpen(first) is { } there && TreeCalls.StatX(there, firstName, TreeCalls.NoFollow, TreeCalls.BasicStatus, out var other) == 0
                && other.Inode == status.Inode && other.Device == status.Device ? null : $"is not the file /{plan.FirstNameOf(entry.Target!)} under another name";
        }

        var metadata = entry.Metadata!;
        if (status.Type != TypeOf(entry))
        {
            return "is something else than in the backup";
        }

        if (entry.Kind == ManifestEntryKind.Link)
        {
            Span<byte> target = stackalloc byte[LongestTarget];
            return TreeCalls.ReadLinkAt(within, name, target, target.Length) is >= 0 and var length && EscapedBytes.ToText(target[..(int)length]) == entry.Target
                ? DifferentOwner(metadata, status)
                : "points elsewhere than in the backup";
        }

        if (entry.Kind == ManifestEntryKind.File && status.Size != entry.Size)
        {
            return $"has {status.Size} bytes instead of {entry.Size}";
        }

        // What takes its owner's rights gets that only with its owner, and pipes and devices never do.
        var mayLack = _isRoot && entry.Kind != ManifestEntryKind.Special ? 0 : SetIds;
        if ((status.Permissions | mayLack) != (entry.Mode | mayLack))
        {
            return $"has mode {Octal(status.Permissions)} instead of {Octal(entry.Mode)}";
        }

        if (metadata.Special is FileMetadata.CharacterDevice or FileMetadata.BlockDevice && (status.SpecialMajor != metadata.DeviceMajor || status.SpecialMinor != metadata.DeviceMinor))
        {
            return "is another device";
        }

        return status.ModifiedSeconds != metadata.ModifiedSeconds || status.ModifiedNanoseconds != metadata.ModifiedNanoseconds
            ? "has another time of the last write"
            : DifferentOwner(metadata, status);
    }

    // Whoever is not root cannot give files away; how many those are, the restore has counted.
    string? DifferentOwner(FileMetadata metadata, in TreeStatus status) =>
        !_isRoot || restored.OtherOwners > 0 || (status.Owner == Number(metadata.OwnerName, metadata.Owner, _accounts.UserNumber) && status.Group == Number(metadata.GroupName, metadata.Group, _accounts.GroupNumber))
            ? null
            : $"belongs to {status.Owner}:{status.Group}";

    static uint Number(string? name, uint number, Func<string, uint?> find) => name is null ? number : find(name) ?? number;

    static string Octal(int mode) => Convert.ToString(mode, 8).PadLeft(4, '0');

    static int TypeOf(ManifestEntry entry) => entry.Kind switch
    {
        ManifestEntryKind.Directory => TreeCalls.DirectoryType,
        ManifestEntryKind.File => TreeCalls.Regular,
        ManifestEntryKind.Link => TreeCalls.Link,
        _ => entry.Metadata!.Special switch
        {
            FileMetadata.Fifo => TreeCalls.Fifo,
            FileMetadata.CharacterDevice => TreeCalls.CharacterDevice,
            _ => TreeCalls.BlockDevice,
        },
    };

    void CompareAttributes(ManifestEntry entry, SafeFileHandle within, byte[] name, string path)
    {
        if (entry.Metadata is not { Attributes: { Count: > 0 } wanted })
        {
            return;
        }

        var there = TreeAttributes.ReadAt(within, name, "/" + path);
        _attributes += wanted.Count(attribute => !there.Any(other => other.Name == attribute.Name && other.Value.AsSpan().SequenceEqual(attribute.Value)));
    }
}
