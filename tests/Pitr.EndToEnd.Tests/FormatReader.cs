using System.Diagnostics;
using Pitr.EndToEnd.Tests.Clusters;

namespace Pitr.EndToEnd.Tests;

/// <summary>docs/format-reader.py, a second implementation of docs/format.md.</summary>
static class FormatReader
{
    public const string Python = "/usr/bin/python3";

    /// <summary>Runs it on a host's first repository, and gives what it wrote to its standard output.</summary>
    public static async Task<byte[]> ReadAsync(PitrHost host, params string[] arguments)
    {
        var (code, output, _) = await RunAsync(host, arguments);
        Assert.Equal(0, code);
        return output;
    }

    /// <summary>Runs it on a host's first repository.</summary>
    public static async Task<(int Code, byte[] Output, string Messages)> RunAsync(PitrHost host, params string[] arguments)
    {
        var start = new ProcessStartInfo(Python) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "format-reader.py"), host.Repository, host.IdentityFile, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        using var output = new MemoryStream();
        var messages = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.BaseStream.CopyToAsync(output);
        await process.WaitForExitAsync();
        return (process.ExitCode, output.ToArray(), await messages);
    }
}
