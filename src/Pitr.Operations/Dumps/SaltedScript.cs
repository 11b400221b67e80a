using System.Security.Cryptography;
using System.Text;

namespace Pitr.Operations.Dumps;

/// <summary>
/// A script of SQL behind a comment that nobody can guess. The SHA-256 of a stream stands in the clear; where the stream holds hashes of passwords, who can read the
/// repository could confirm guesses by it.
/// </summary>
/// <param name="script">The script.</param>
sealed class SaltedScript(IDumpFeed script) : IDumpFeed
{
    const int SaltLength = 32;

    /// <inheritdoc/>
    public string Name => script.Name;

    /// <inheritdoc/>
    public Stream Output { get; } = new Prefixed(Encoding.ASCII.GetBytes($"-- pitr: {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SaltLength))}\n"), script.Output);

    /// <inheritdoc/>
    public string Messages => script.Messages;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, long>? Contents => script.Contents;

    /// <inheritdoc/>
    public Task<int> WaitAsync(CancellationToken cancellation) => script.WaitAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => script.DisposeAsync();

    sealed class Prefixed(byte[] prefix, Stream rest) : ReadingStream
    {
        int _given;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_given == prefix.Length)
            {
                return rest.ReadAsync(buffer, cancellationToken);
            }

            var count = Math.Min(buffer.Length, prefix.Length - _given);
            prefix.AsMemory(_given, count).CopyTo(buffer);
            _given += count;
            return ValueTask.FromResult(count);
        }
    }
}
