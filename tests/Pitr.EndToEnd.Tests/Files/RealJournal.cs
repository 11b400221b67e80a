using System.Globalization;
using System.Text;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>A journal of real files: written by systemd-journal-remote, read by the real journalctl. Nothing of the system's journal is touched.</summary>
/// <param name="directory">Where its files are; exists.</param>
sealed class RealJournal(string directory)
{
    public const string Journalctl = "/usr/bin/journalctl";
    const string Remote = "/lib/systemd/systemd-journal-remote";

    static readonly string[] OfTheFile = ["__CURSOR=", "__SEQNUM=", "__SEQNUM_ID="];

    int _entries;

    public string Directory => directory;

    /// <summary>What stands in the configuration of the service.</summary>
    public string Configuration => $"journal: {{ directory: {directory} }}";

    /// <summary>Appends entries to a file of the journal.</summary>
    /// <param name="file">Its name without .journal.</param>
    /// <param name="count">How many.</param>
    /// <param name="bytes">How long a message every hundredth has, in bytes that are no text.</param>
    public async Task AppendAsync(string file, int count, int bytes = 50)
    {
        using var export = new MemoryStream();
        for (var i = 0; i < count; i++)
        {
            var number = ++_entries;
            Write(export, string.Create(
                CultureInfo.InvariantCulture,
                $"__REALTIME_TIMESTAMP={1_790_000_000_000_000 + (number * 10_000L)}\n__MONOTONIC_TIMESTAMP={number * 10_000L}\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_MACHINE_ID=fedcba9876543210fedcba9876543210\n_TRANSPORT={(number % 2 == 0 ? "syslog" : "kernel")}\nSYSLOG_IDENTIFIER=unit{number % 7}\n"));
            if (number % 100 == 0)
            {
                WriteBinary(export, "MESSAGE", [.. Encoding.UTF8.GetBytes($"entry {number}\n\nsecond line\0="), .. Enumerable.Range(0, bytes).Select(b => (byte)(b * 7))]);
                WriteBinary(export, "COREDUMP", []);
            }
            else
            {
                Write(export, $"MESSAGE=entry {number}\n");
            }

            Write(export, "\n");
        }

        var path = Path.Combine(directory, file + ".export");
        await File.WriteAllBytesAsync(path, export.ToArray());
        (await ProgramRun.RunAsync(Remote, [$"--output={Path.Combine(directory, file + ".journal")}", path])).Must();
        File.Delete(path);
    }

    /// <summary>What journalctl exports of the whole journal, but for what is about its files.</summary>
    public Task<byte[]> ExportAsync() => ExportAsync($"--directory={directory}");

    /// <summary>The same of restored parts, after systemd-journal-remote has made a journal of them.</summary>
    public async Task<byte[]> ExportRestoredAsync(string parts)
    {
        var made = Path.Combine(directory, "..", Path.GetRandomFileName() + ".journal");
        (await ProgramRun.RunAsync(Remote, [$"--output={made}", .. System.IO.Directory.GetFiles(parts).Order(StringComparer.Ordinal)])).Must();
        return await ExportAsync($"--file={made}");
    }

    /// <summary>Parts as they are, but for what is about the journal's files.</summary>
    public static byte[] Read(string parts) => WithoutFile([.. System.IO.Directory.GetFiles(parts).Order(StringComparer.Ordinal).SelectMany(File.ReadAllBytes)]);

    static async Task<byte[]> ExportAsync(string from)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(Journalctl, [from, "--output=export", "--quiet", "--no-pager"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        using var output = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return WithoutFile(output.ToArray());
    }

    // No value of these journals holds such a line.
    static byte[] WithoutFile(byte[] export)
    {
        var kept = new MemoryStream();
        for (var rest = export.AsSpan(); !rest.IsEmpty;)
        {
            var length = rest.IndexOf((byte)'\n') + 1;
            var line = rest[..(length == 0 ? rest.Length : length)];
            var isOfTheFile = false;
            foreach (var field in OfTheFile)
            {
                isOfTheFile |= line.StartsWith(Encoding.ASCII.GetBytes(field));
            }

            if (!isOfTheFile)
            {
                kept.Write(line);
            }

            rest = rest[line.Length..];
        }

        return kept.ToArray();
    }

    static void Write(MemoryStream export, string text) => export.Write(Encoding.UTF8.GetBytes(text));

    static void WriteBinary(MemoryStream export, string name, byte[] value)
    {
        Write(export, name + "\n");
        export.Write(BitConverter.GetBytes((ulong)value.Length));
        export.Write(value);
        Write(export, "\n");
    }
}
