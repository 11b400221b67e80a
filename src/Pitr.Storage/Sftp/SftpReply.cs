namespace Pitr.Storage.Sftp;

/// <summary>A server's answer to one request.</summary>
sealed class SftpReply
{
    SftpReply(SftpPacketType type) => Type = type;

    public SftpPacketType Type { get; }

    /// <summary>The status; <see cref="SftpStatus.Ok"/> when the answer is of another type.</summary>
    public SftpStatus Status { get; private init; }

    /// <summary>The server's own words about the status, without control characters.</summary>
    public string StatusMessage { get; private init; } = "";

    /// <summary>A handle, or the fields of an extension's reply.</summary>
    public byte[] Bytes { get; private init; } = [];

    public SftpAttributes Attributes { get; private init; }

    public IReadOnlyList<SftpName> Names { get; private init; } = [];

    /// <summary>A part of a file, in a buffer of the shared pool whose owner is now the receiver.</summary>
    public byte[] Data { get; private init; } = [];

    public int DataLength { get; private init; }

    public bool IsOk => Status == SftpStatus.Ok;

    /// <summary>What the status means, for messages.</summary>
    public string Words
    {
        get
        {
            var meaning = Status switch
            {
                SftpStatus.NoSuchFile => "no such file or directory",
                SftpStatus.PermissionDenied => "permission denied",
                SftpStatus.Failure => "failure",
                SftpStatus.BadMessage => "bad message (a name the server's file system does not take looks like that)",
                SftpStatus.Unsupported => "operation not supported",
                _ => $"status {(uint)Status}",
            };
            return StatusMessage.Length == 0 || meaning.StartsWith(StatusMessage, StringComparison.OrdinalIgnoreCase)
                ? meaning
                : $"{meaning} ({StatusMessage})";
        }
    }

    /// <summary>Reads an answer, positioned after its request number.</summary>
    /// <exception cref="SftpProtocolException">It is none.</exception>
    public static SftpReply Parse(SftpPacketType type, ref SftpPacketReader reader)
    {
        switch (type)
        {
            case SftpPacketType.Status:
                var status = (SftpStatus)reader.UInt32();
                // Some servers leave out message and language.
                return new SftpReply(type) { Status = status, StatusMessage = reader.IsAtEnd ? "" : Sanitized(reader.Text()) };
            case SftpPacketType.Handle:
                var handle = reader.Bytes();
                return handle.Length <= 256
                    ? new SftpReply(type) { Bytes = handle.ToArray() }
                    : throw new SftpProtocolException($"a handle of {handle.Length} bytes, at most 256 are allowed");
            case SftpPacketType.Data:
                var data = reader.Bytes();
                var buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(Math.Max(data.Length, 1));
                data.CopyTo(buffer);
                return new SftpReply(type) { Data = buffer, DataLength = data.Length };
            case SftpPacketType.Name:
                return new SftpReply(type) { Names = reader.Names() };
            case SftpPacketType.Attributes:
                return new SftpReply(type) { Attributes = reader.Attributes() };
            case SftpPacketType.ExtendedReply:
                return new SftpReply(type) { Bytes = reader.Remaining().ToArray() };
            default:
                throw new SftpProtocolException($"a packet of type {(byte)type}, which is no answer");
        }
    }

    static string Sanitized(string text) => SshFailure.Sanitized(text, 200);
}
