using System.Diagnostics;
using System.Text;
using Pitr.Format.Keys;
using Pitr.Format.Layout;

namespace Pitr.Format.Tests;

/// <summary>docs/format-reader.py, written from docs/format.md alone, reads what this library writes.</summary>
public class FormatReaderTests
{
    static string Manifest => RepositoryLayout.Manifest(Samples.Service, Samples.Backup);

    [Fact]
    public void A_second_implementation_reads_a_fresh_repository()
    {
        using var scratch = new ScratchDirectory();
        using var identity = Identity.Create();
        using var key = Samples.Key();
        SampleRepository.Write(scratch.Path, key, identity);
        var pem = Path.Combine(scratch.Path, "identity.pem");
        File.WriteAllText(pem, identity.ToPem());
        ReadEverything(scratch.Path, pem);

        // The copy of the key beside the service's data is enough.
        File.Delete(Path.Combine(scratch.Path, RepositoryLayout.DataKey(key.Id)));
        Assert.Equal(SampleRepository.File, Run(scratch.Path, pem, "extract", "main", "20261121T031500Z", "base/5/16384"));
    }

    [Fact]
    public void It_reads_the_golden_repository_with_an_encrypted_identity() =>
        ReadEverything(Samples.GoldenPath("v1/repository"), Samples.GoldenPath("v1/identity-encrypted.pem"));

    [Fact]
    public void It_reads_with_the_passphrase_alone() =>
        Assert.Equal(SampleRepository.Segment, Run(Samples.GoldenPath("v1/repository"), "-", "open", RepositoryLayout.Wal(Samples.Service, Samples.Segment)));

    [Fact]
    public void It_refuses_a_changed_object()
    {
        using var scratch = new ScratchDirectory();
        using var identity = Identity.Create();
        using var key = Samples.Key();
        SampleRepository.Write(scratch.Path, key, identity);
        var pem = Path.Combine(scratch.Path, "identity.pem");
        File.WriteAllText(pem, identity.ToPem());
        var manifest = Path.Combine(scratch.Path, Manifest);
        var bytes = File.ReadAllBytes(manifest);
        bytes[^1] ^= 1;
        File.WriteAllBytes(manifest, bytes);
        using var process = Start(scratch.Path, pem, "open", Manifest);
        process.StandardOutput.ReadToEnd();
        Assert.Contains("InvalidTag", process.StandardError.ReadToEnd(), StringComparison.Ordinal);
        process.WaitForExit();
        Assert.NotEqual(0, process.ExitCode);
    }

    [Fact]
    public void It_lists_verifies_and_opens_dumps_and_finds_every_changed_object()
    {
        using var scratch = new ScratchDirectory();
        using var identity = Identity.Create();
        using var key = Samples.Key();
        SampleRepository.Write(scratch.Path, key, identity);
        SampleDump.Write(scratch.Path, key);
        var pem = Path.Combine(scratch.Path, "identity.pem");
        File.WriteAllText(pem, identity.ToPem());

        var listed = Encoding.UTF8.GetString(Run(scratch.Path, pem, "dumps", "main")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["globals.sql", "orders ü.dump"], listed.Select(line => line.Split('\t')[^1]));
        Assert.All(listed, line => Assert.StartsWith(SampleDump.Id, line, StringComparison.Ordinal));
        Assert.Equal($"dump {SampleDump.Id}: 2 streams in 3 parts, all as they were written\n", Encoding.UTF8.GetString(Run(scratch.Path, pem, "dump-verify", "main", SampleDump.Id)));
        Assert.Equal(SampleDump.Globals, Run(scratch.Path, pem, "dump", "main", SampleDump.Id, "globals.sql"));
        Assert.Equal(SampleDump.Orders, Run(scratch.Path, pem, "dump", "main", SampleDump.Id, "orders ü.dump"));

        foreach (var name in new[] { "000000", "000001", "000002", "manifest", "SHA256SUMS", "dump.json" })
        {
            var path = Path.Combine(scratch.Path, SampleDump.KeyOf(name));
            var whole = File.ReadAllBytes(path);
            File.WriteAllBytes(path, [.. whole[..^9], (byte)(whole[^9] ^ 1), .. whole[^8..]]);
            Assert.True(Fails(scratch.Path, pem, "dump-verify", "main", SampleDump.Id), name);
            File.WriteAllBytes(path, whole);
        }

        var (one, other) = (Path.Combine(scratch.Path, SampleDump.KeyOf("000001")), Path.Combine(scratch.Path, SampleDump.KeyOf("000002")));
        var first = File.ReadAllBytes(one);
        File.Copy(other, one, overwrite: true);
        File.WriteAllBytes(other, first);
        Assert.True(Fails(scratch.Path, pem, "dump", "main", SampleDump.Id, "orders ü.dump"), "exchanged");
        File.Copy(one, Path.Combine(scratch.Path, SampleDump.KeyOf("000003")));
        Assert.True(Fails(scratch.Path, pem, "dump-verify", "main", SampleDump.Id), "too many");
    }

    static bool Fails(params string[] arguments)
    {
        using var process = Start(arguments);
        process.StandardOutput.ReadToEnd();
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode != 0;
    }

    static void ReadEverything(string root, string identity)
    {
        Assert.Equal(SampleRepository.Segment, Run(root, identity, "open", RepositoryLayout.Wal(Samples.Service, Samples.Segment)));
        Assert.Equal(SampleRepository.Segment, Run(root, identity, "open", SampleRepository.DumpKey));
        Assert.Equal(SampleRepository.History, Run(root, identity, "open", RepositoryLayout.Wal(Samples.Service, SampleRepository.HistoryName)));
        Assert.Equal(SampleRepository.File, Run(root, identity, "extract", "main", "20261121T031500Z", "base/5/16384"));
        var lines = Encoding.UTF8.GetString(Run(root, identity, "manifest", "main", "20261121T031500Z"));
        Assert.Contains("/srv/tablespace ü", lines, StringComparison.Ordinal);
        Assert.Equal(7, lines.Count(c => c == '\n'));
    }

    static byte[] Run(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = new MemoryStream();
        // Errors are a few lines, which fit the pipe while the output is read.
        process.StandardOutput.BaseStream.CopyTo(output);
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"format-reader.py {string.Join(' ', arguments)} exited with {process.ExitCode}: {errors}");
        return output.ToArray();
    }

    static Process Start(params string[] arguments)
    {
        // Debian's interpreter, for which python3-cryptography is packaged.
        var start = new ProcessStartInfo("/usr/bin/python3") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "docs", "format-reader.py"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["PITR_PASSPHRASE"] = SampleRepository.Passphrase;
        start.Environment["PYTHONIOENCODING"] = "utf-8";
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return Process.Start(start)!;
    }
}
