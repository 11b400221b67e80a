using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Pitr.Format.Manifests;
using Pitr.Operations.Files;
using Pitr.Operations.Restore;

namespace Pitr.Operations.Drill.Files;

/// <summary>
/// Reads every file of a restored tree back from its disk and holds it against what was decrypted: packs are authenticated, so what was decrypted is what was backed up, and this is the rest of the way.
/// </summary>
/// <param name="plan">What should be there.</param>
/// <param name="root">What stands for /, open.</param>
/// <param name="digests">What was decrypted.</param>
/// <param name="findings">Takes what is wrong.</param>
sealed class RestoredContent(TreePlan plan, SafeFileHandle root, ContentDigests digests, Findings findings)
{
    const int BatchFiles = 256;
    const long BatchBytes = 64 << 20;
    const int Block = 256 << 10;

    long _bytes;

    /// <summary>Bytes that were read, holes included.</summary>
    public long Bytes => _bytes;

    /// <summary>Does it.</summary>
    /// <param name="jobs">So many files at once.</param>
    /// <param name="total">Bytes there are, for the progress.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task CompareAsync(int jobs, long total, IProgress<RestoreProgress>? progress, CancellationToken cancellation) => Parallel.ForEachAsync(
        Batches(cancellation),
        new ParallelOptions { MaxDegreeOfParallelism = jobs, CancellationToken = cancellation },
        (batch, token) =>
        {
            using var handles = new TreeHandles(plan.Directories, root);
            foreach (var (entry, path, number) in batch)
            {
                token.ThrowIfCancellationRequested();
                Compare(entry, path, number, handles);
            }

            progress?.Report(new RestoreProgress("reading files back", Interlocked.Read(ref _bytes), total));
            return ValueTask.CompletedTask;
        });

    // A batch is worth a directory's handles.
    IEnumerable<List<(ManifestEntry Entry, string Path, int Number)>> Batches(CancellationToken cancellation)
    {
        var (batch, bytes, number) = (new List<(ManifestEntry, string, int)>(), 0L, 0);
        foreach (var (entry, path) in plan.Entries(cancellation))
        {
            if (entry.Kind != ManifestEntryKind.File)
            {
                continue;
            }

            // The restore has numbered them as they come.
            batch.Add((entry, path, number++));
            bytes += entry.Size;
            if (batch.Count == BatchFiles || bytes >= BatchBytes)
            {
                yield return batch;
                (batch, bytes) = ([], 0);
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    void Compare(ManifestEntry entry, string path, int number, TreeHandles handles)
    {
        var (directory, name) = plan.PlaceOf(path);
        // The last error is that of whichever could not be opened.
        using var file = handles.TryOpen(directory) is { } within
            ? TreeCalls.OpenAt(within, name, TreeCalls.ReadOnly | TreeCalls.NoLinks | TreeCalls.NonBlocking | TreeCalls.CloseOnExec, 0)
            : new SafeFileHandle();
        if (file.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error == TreeCalls.AccessDenied && LibC.EffectiveUser() != 0)
            {
                findings.AddClosed();
                return;
            }

            findings.Add(TreeError.Of(error, "cannot be opened", "/" + path).Message);
            return;
        }

        // What is durable is dropped from memory, so that it comes from the disk; a file system that cannot do that gives it from where it has it.
        _ = TreeCalls.Advise(file, 0, 0, TreeCalls.NotNeeded);
        try
        {
            if (IsDifferent(entry, number, file, path))
            {
                findings.Add($"/{path} is not what was decrypted");
            }
        }
        catch (IOException e)
        {
            findings.Add(e.Message);
        }

        _ = Interlocked.Add(ref _bytes, entry.Size);
    }

    bool IsDifferent(ManifestEntry entry, int number, SafeFileHandle file, string path)
    {
        var sum = UInt128.Zero;
        foreach (var (offset, run) in TreePiece.Of(entry))
        {
            if (run.IsZeros)
            {
                if (!IsZero(file, path, offset, run.Length))
                {
                    return true;
                }

                continue;
            }

            var buffer = ArrayPool<byte>.Shared.Rent((int)run.Length);
            try
            {
                var piece = buffer.AsSpan(0, (int)run.Length);
                if (new TreeFileContent(file, "/" + path, offset, piece.Length).ReadAgain(offset, piece) != piece.Length)
                {
                    return true;
                }

                sum = unchecked(sum + ContentDigests.Of(offset, piece));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        return sum != digests[number];
    }

    static bool IsZero(SafeFileHandle file, string path, long offset, long length)
    {
        var end = offset + length;
        // A hole is zeros, however long. Without data behind it there is no more to be found.
        var data = TreeCalls.Seek(file, offset, TreeCalls.SeekData);
        if (data < 0 ? Marshal.GetLastPInvokeError() == TreeCalls.NoSuchDeviceOrAddress : data >= end)
        {
            return true;
        }

        var content = new TreeFileContent(file, "/" + path, offset, length);
        var buffer = ArrayPool<byte>.Shared.Rent(Block);
        try
        {
            for (var at = Math.Max(offset, data); at < end;)
            {
                var block = buffer.AsSpan(0, (int)Math.Min(Block, end - at));
                if (content.ReadAgain(at, block) != block.Length || block.ContainsAnyExcept((byte)0))
                {
                    return false;
                }

                at += block.Length;
            }

            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
