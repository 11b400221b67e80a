namespace Pitr.Operations.Dumps;

/// <summary>Remembers the end of a stream that flows by.</summary>
sealed class DumpTail
{
    /// <summary>How many bytes are remembered at most.</summary>
    public const int Length = 256;

    readonly byte[] _bytes = new byte[2 * Length];
    int _length;

    /// <summary>The last bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(Math.Max(0, _length - Length), Math.Min(_length, Length));

    /// <summary>More has come.</summary>
    public void Add(ReadOnlySpan<byte> block)
    {
        if (block.Length >= Length)
        {
            block[^Length..].CopyTo(_bytes);
            _length = Length;
            return;
        }

        if (_length + block.Length > _bytes.Length)
        {
            Bytes.CopyTo(_bytes);
            _length = Length;
        }

        block.CopyTo(_bytes.AsSpan(_length));
        _length += block.Length;
    }
}
