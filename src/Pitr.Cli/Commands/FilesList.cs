using System.Globalization;
using System.Text.Json;
using Pitr.Cli.Output;
using Pitr.Format.Manifests;
using Pitr.Operations.Files;
using Pitr.Operations.Services;

namespace Pitr.Cli.Commands;

/// <summary>`pitr info --files`: what a backup of kind files holds, one line each as it is read; in JSON one document for each line.</summary>
static class FilesList
{
    public static async Task<int> RunAsync(CommandContext context, FilesService service, string? backup, IReadOnlyList<string> globs, CancellationToken cancellation)
    {
        var selection = FilesRestoreOptions.Select(globs);
        var chosen = await new FilesCatalog(service).ChooseAsync(DumpRestoreOptions.ReadBackup(backup), cancellation);
        using var manifest = await StoredManifest.OpenAsync(service, chosen, cancellation);
        using var reader = manifest.Read();
        await using var output = new BufferedStream(Console.OpenStandardOutput(), 64 << 10);
        await using var text = new StreamWriter(output);
        while (reader.ReadNext() is { } line)
        {
            cancellation.ThrowIfCancellationRequested();
            if (line is ManifestEntry entry && selection.Holds(entry.Path, entry.Kind == ManifestEntryKind.Directory))
            {
                await text.WriteLineAsync(context.Output == OutputFormat.Json ? ToJson(entry) : ToText(entry));
            }
        }

        return ExitCodes.Success;
    }

    static string ToText(ManifestEntry entry)
    {
        var target = entry.Kind switch
        {
            ManifestEntryKind.Link => $" -> {entry.Target}",
            ManifestEntryKind.HardLink => $" = /{entry.Target}",
            _ => "",
        };
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Letter(entry)}{Convert.ToString(entry.Mode, 8).PadLeft(4, '0')} {entry.Metadata?.OwnerName ?? $"{entry.Metadata?.Owner}"}:{entry.Metadata?.GroupName ?? $"{entry.Metadata?.Group}"} {entry.Size,12} {entry.Modified.UtcDateTime:yyyy-MM-dd HH:mm:ss} /{entry.Path}{target}");
    }

    static char Letter(ManifestEntry entry) => entry.Kind switch
    {
        ManifestEntryKind.Directory => 'd',
        ManifestEntryKind.Link => 'l',
        ManifestEntryKind.HardLink => 'h',
        ManifestEntryKind.Special => entry.Metadata?.Special?[0] ?? '?',
        _ => '-',
    };

    static string ToJson(ManifestEntry entry)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("path", "/" + entry.Path);
            json.WriteString("type", entry.Metadata?.Special ?? entry.Kind switch
            {
                ManifestEntryKind.Directory => "directory",
                ManifestEntryKind.Link => "link",
                ManifestEntryKind.HardLink => "hard-link",
                _ => "file",
            });
            json.WriteNumber("size", entry.Size);
            json.WriteString("mode", Convert.ToString(entry.Mode, 8));
            json.WriteString("modified", entry.Modified);
            if (entry.Target is { } target)
            {
                json.WriteString("target", entry.Kind == ManifestEntryKind.HardLink ? "/" + target : target);
            }

            if (entry.Metadata is { } metadata)
            {
                json.WriteNumber("uid", metadata.Owner);
                json.WriteNumber("gid", metadata.Group);
                json.WriteString("owner", metadata.OwnerName);
                json.WriteString("group", metadata.GroupName);
            }

            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
    }
}
