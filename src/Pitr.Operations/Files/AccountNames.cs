using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;

namespace Pitr.Operations.Files;

/// <summary>Names and numbers of users and groups of this host, wherever it has them from (getpwuid(3)). Safe for several threads.</summary>
sealed class AccountNames
{
    const int EntrySize = 64;
    const int BufferSize = 32 << 10;

    // struct passwd and struct group of glibc and musl, 64 bits: two pointers come before the number.
    const int NumberOffset = 16;

    readonly ConcurrentDictionary<uint, string?> _users = [];
    readonly ConcurrentDictionary<uint, string?> _groups = [];
    readonly ConcurrentDictionary<string, uint?> _userNumbers = [];
    readonly ConcurrentDictionary<string, uint?> _groupNumbers = [];

    /// <summary>The name of a user; null when the number has none.</summary>
    public string? User(uint number) => _users.GetOrAdd(number, static number => Name(number, isUser: true));

    /// <summary>The name of a group; null when the number has none.</summary>
    public string? Group(uint number) => _groups.GetOrAdd(number, static number => Name(number, isUser: false));

    /// <summary>The number of a user; null when there is none of the name.</summary>
    public uint? UserNumber(string name) => _userNumbers.GetOrAdd(name, static name => Number(name, isUser: true));

    /// <summary>The number of a group; null when there is none of the name.</summary>
    public uint? GroupNumber(string name) => _groupNumbers.GetOrAdd(name, static name => Number(name, isUser: false));

    // On the stack, where the pointers in the answer stay good.
    static unsafe string? Name(uint number, bool isUser)
    {
        Span<byte> entry = stackalloc byte[EntrySize];
        Span<byte> buffer = stackalloc byte[BufferSize];
        var error = isUser ? TreeCalls.UserByNumber(number, entry, buffer, buffer.Length, out var found) : TreeCalls.GroupByNumber(number, entry, buffer, buffer.Length, out found);
        if (error != 0 || found == 0)
        {
            return null;
        }

        var name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated((byte*)MemoryMarshal.Read<nint>(entry));
        return name.Length == 0 || !System.Text.Unicode.Utf8.IsValid(name) ? null : Encoding.UTF8.GetString(name);
    }

    static uint? Number(string name, bool isUser)
    {
        Span<byte> entry = stackalloc byte[EntrySize];
        Span<byte> buffer = stackalloc byte[BufferSize];
        var error = isUser ? TreeCalls.UserByName(name, entry, buffer, buffer.Length, out var found) : TreeCalls.GroupByName(name, entry, buffer, buffer.Length, out found);
        return error != 0 || found == 0 ? null : MemoryMarshal.Read<uint>(entry[NumberOffset..]);
    }
}
