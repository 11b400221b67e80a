namespace Pitr.Storage.Sftp;

/// <summary>The requests this client makes (draft-ietf-secsh-filexfer-02 §6, OpenSSH's PROTOCOL §4).</summary>
static class SftpRequests
{
    const int WriteOverhead = 512;

    /// <summary>Opens a file; with <see cref="SftpOpenFlags.Create"/> with these permissions.</summary>
    public static Task<SftpReply> OpenAsync(this SftpSession session, string path, SftpOpenFlags flags, uint? mode = null)
    {
        var packet = new SftpPacket(SftpPacketType.Open).Text(path).UInt32((uint)flags);
        return session.RequestAsync(mode is { } permissions ? packet.Permissions(permissions) : packet.NoAttributes());
    }

    public static Task<SftpReply> CloseAsync(this SftpSession session, byte[] handle) =>
        session.RequestAsync(new SftpPacket(SftpPacketType.Close).Bytes(handle));

    public static Task<SftpReply> ReadAsync(this SftpSession session, byte[] handle, long offset, int length) =>
        session.RequestAsync(new SftpPacket(SftpPacketType.Read).Bytes(handle).UInt64((ulong)offset).UInt32((uint)length));

    /// <summary>A write whose bytes are still to be filled in, with <see cref="SftpPacket.BeginString"/>.</summary>
    public static SftpPacket BeginWrite(byte[] handle, long offset, int most) =>
        new SftpPacket(SftpPacketType.Write, most + WriteOverhead).Bytes(handle).UInt64((ulong)offset);

    /// <summary>What a name names, without following a link.</summary>
    public static Task<SftpReply> LStatAsync(this SftpSession session, string path) => ByPath(session, SftpPacketType.LStat, path);

    public static Task<SftpReply> StatAsync(this SftpSession session, string path) => ByPath(session, SftpPacketType.Stat, path);

    public static Task<SftpReply> FStatAsync(this SftpSession session, byte[] handle) =>
        session.RequestAsync(new SftpPacket(SftpPacketType.FStat).Bytes(handle));

    public static Task<SftpReply> OpenDirectoryAsync(this SftpSession session, string path) =>
        ByPath(session, SftpPacketType.OpenDirectory, path);

    public static Task<SftpReply> ReadDirectoryAsync(this SftpSession session, byte[] handle) =>
        session.RequestAsync(new SftpPacket(SftpPacketType.ReadDirectory).Bytes(handle));

    public static Task<SftpReply> RemoveAsync(this SftpSession session, string path) => ByPath(session, SftpPacketType.Remove, path);

    public static Task<SftpReply> MakeDirectoryAsync(this SftpSession session, string path, uint mode) =>
        session.RequestAsync(new SftpPacket(SftpPacketType.MakeDirectory).Text(path).Permissions(mode));

    public static Task<SftpReply> RemoveDirectoryAsync(this SftpSession session, string path) =>
        ByPath(session, SftpPacketType.RemoveDirectory, path);

    /// <summary>The protocol's own rename, which is to fail when the new name is taken.</summary>
    public static Task<SftpReply> RenameAsync(this SftpSession session, string from, string to) =>
        session.RequestAsync(new SftpPacket(SftpPacketType.Rename).Text(from).Text(to));

    public static Task<SftpReply> PosixRenameAsync(this SftpSession session, string from, string to) =>
        session.RequestAsync(Extended(SftpExtension.PosixRename).Text(from).Text(to));

    /// <summary>Gives a file a second name, unless that name is taken.</summary>
    public static Task<SftpReply> HardLinkAsync(this SftpSession session, string existing, string name) =>
        session.RequestAsync(Extended(SftpExtension.HardLink).Text(existing).Text(name));

    public static Task<SftpReply> FSyncAsync(this SftpSession session, byte[] handle) =>
        session.RequestAsync(Extended(SftpExtension.FSync).Bytes(handle));

    public static Task<SftpReply> StatVfsAsync(this SftpSession session, string path) =>
        session.RequestAsync(Extended(SftpExtension.StatVfs).Text(path));

    public static Task<SftpReply> LimitsAsync(this SftpSession session) => session.RequestAsync(Extended(SftpExtension.Limits));

    static SftpPacket Extended(string name) => new SftpPacket(SftpPacketType.Extended).Text(name);

    static Task<SftpReply> ByPath(SftpSession session, SftpPacketType type, string path) =>
        session.RequestAsync(new SftpPacket(type).Text(path));
}
