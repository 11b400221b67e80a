using System.Diagnostics;

namespace Pitr.EndToEnd.Tests;

/// <summary>Skipped where Debian's python3-cryptography is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
sealed class FormatReaderFactAttribute : FactAttribute
{
    public FormatReaderFactAttribute()
    {
        if (!File.Exists(FormatReader.Python) || !HasCryptography())
        {
            Skip = "needs /usr/bin/python3 with python3-cryptography";
        }
    }

    static bool HasCryptography()
    {
        using var process = Process.Start(new ProcessStartInfo(FormatReader.Python, "-c \"import cryptography\"") { RedirectStandardError = true, UseShellExecute = false })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
