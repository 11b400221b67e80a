using System.Globalization;
using Pitr.Storage.File;
using Pitr.Storage.Tests.Ftp;

namespace Pitr.Storage.Tests.Child;

/// <summary>
/// What the test assembly does when it is started as a program: works on a store until a test kills it, or in surroundings that a test process
/// cannot have. Answers are lines on standard output.
/// </summary>
static class ChildProgram
{
    const int FillLimit = 1000;

    public static async Task<int> Main(string[] arguments)
    {
        await using var store = OpenStore(arguments[1]);
        switch (arguments[0])
        {
            case "half":
                await PutHalfAsync(store, arguments[2], int.Parse(arguments[3]));
                return 0;
            case "loop":
                await PutForEverAsync(store, arguments[2], int.Parse(arguments[3]));
                return 0;
            case "fill":
                await FillAsync(store, arguments[2], int.Parse(arguments[3]), Console.Out);
                return 0;
            case "large":
                await PutAndReadLargeAsync(store, arguments[2], long.Parse(arguments[3]), Enum.Parse<PutMode>(arguments[4]));
                return 0;
            case "list":
                await LargeListing.ReportAsync(store, int.Parse(arguments[2]), Console.Out);
                return 0;
            case var other:
                await Console.Error.WriteLineAsync($"unknown command {other}");
                return 2;
        }
    }

    /// <summary>The store a string means: a URL, one of <see cref="S3.S3Server"/>, or a file URL with the scheme
    /// <c>file-unreserved</c>, where nothing is preallocated.</summary>
    static IObjectStore OpenStore(string store)
    {
        var url = new Uri(store);
        return url.Scheme switch
        {
            "file-unreserved" => new FileObjectStore("child", url.AbsolutePath, TimeProvider.System, new FileSystemFeatures { Preallocation = false }),
            S3.S3Server.Scheme => S3.S3Server.OpenChild(url),
            Sftp.SftpChildStore.Scheme => Sftp.SftpChildStore.Open(url),
            FtpChild.Scheme => FtpChild.Open(url),
            _ => ObjectStoreFactory.Open("child", new FileStoreOptions(url.LocalPath), TimeProvider.System),
        };
    }

    static Task PutHalfAsync(IObjectStore store, string key, int length)
    {
        var content = Contents.PausedHalfway(Contents.Bytes(length), async cancellationToken =>
        {
            await Console.Out.WriteLineAsync("half");
            await Task.Delay(Timeout.Infinite, cancellationToken);
        });
        return store.PutAsync(key, content, PutMode.CreateNew, CancellationToken.None);
    }

    static async Task PutForEverAsync(IObjectStore store, string prefix, int length)
    {
        for (var i = 0; ; i++)
        {
            await store.PutAsync($"{prefix}{i:D6}", Contents.Bytes(length, i), PutMode.CreateNew, CancellationToken.None);
            await Console.Out.WriteLineAsync(i.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Puts and reads an object that is never in memory as a whole, and tells how many bytes came and how much memory that took, in KiB.</summary>
    static async Task PutAndReadLargeAsync(IObjectStore store, string key, long length, PutMode mode)
    {
        await store.PutAsync(key, Contents.Zeros(length), mode, CancellationToken.None);
        await using var stream = await store.OpenReadAsync(key, range: null, CancellationToken.None);
        var buffer = new byte[64 * 1024];
        var total = 0L;
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            total += read;
        }

        var peak = System.IO.File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        await Console.Out.WriteLineAsync($"{total} {peak.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1]}");
    }

    /// <summary>Puts objects until one fails, tells how, and what the store shows after that.</summary>
    public static async Task FillAsync(IObjectStore store, string prefix, int length, TextWriter output)
    {
        try
        {
            for (var i = 0; i < FillLimit; i++)
            {
                await store.PutAsync($"{prefix}{i:D6}", Contents.Bytes(length, i), PutMode.CreateNew, CancellationToken.None);
                await output.WriteLineAsync($"stored {i}");
            }
        }
        catch (StorageException failure)
        {
            await output.WriteLineAsync($"failed {(failure.IsTransient ? "transient" : "permanent")} {failure.Message}");
            await output.WriteLineAsync($"hint {failure.Hint}");
        }

        await foreach (var listing in store.ListAsync(prefix, ListMode.Recursive, CancellationToken.None))
        {
            var bytes = await store.ReadAllAsync(listing.Key, CancellationToken.None);
            var whole = bytes.AsSpan().SequenceEqual(Contents.Bytes(length, int.Parse(listing.Key[prefix.Length..])));
            await output.WriteLineAsync($"listed {int.Parse(listing.Key[prefix.Length..])} {(whole ? "whole" : "damaged")}");
        }

        if (store is FileObjectStore file)
        {
            foreach (var path in Directory.EnumerateFiles(file.RootDirectory, "*", SearchOption.AllDirectories))
            {
                await output.WriteLineAsync($"file {Path.GetFileName(path)}");
            }
        }
    }
}
