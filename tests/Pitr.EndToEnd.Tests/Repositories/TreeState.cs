using System.Security.Cryptography;

namespace Pitr.EndToEnd.Tests.Repositories;

/// <summary>Everything in a directory tree, to prove that nothing in it was touched.</summary>
static class TreeState
{
    public static IReadOnlyList<string> Of(string directory) => Directory.Exists(directory)
        ? Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories)
            .Select(path => File.Exists(path)
                ? $"{path} {File.GetLastWriteTimeUtc(path):O} {File.GetUnixFileMode(path)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))}"
                : path)
            .Order(StringComparer.Ordinal)
            .ToArray()
        : ["(there is no such directory)"];
}
