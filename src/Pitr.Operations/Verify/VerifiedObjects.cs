using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Pitr.Format.Keys;
using Pitr.Operations.Services;

namespace Pitr.Operations.Verify;

/// <summary>
/// Remembers which objects of one repository were read and found right, and when. Not by name but by a mark: a hash of key, size and time of modification, so that an object
/// that changed is not known, and a million of them take 12 bytes each. A cache of the state directory: when it is lost, or does not fit, everything is read again. Safe for
/// use from several threads.
/// </summary>
sealed class VerifiedObjects
{
    /// <summary>How long what is not seen in the repository any more is remembered.</summary>
    static readonly TimeSpan Unseen = TimeSpan.FromDays(90);

    // "pitr-verified 1\n", salt, counts of keys and marks, data key ids, marks ascending, their minutes, SHA-256 of all that.
    const int SaltSize = 16;
    const int IdSize = 16;
    const int MarkSize = sizeof(ulong);
    const int MinuteSize = sizeof(uint);
    static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    readonly string? _path;
    readonly byte[] _salt;
    readonly string _repositoryId;
    readonly ulong[] _known;
    readonly uint[] _when;
    readonly bool[] _seen;
    readonly Lock _lock = new();
    readonly Dictionary<ulong, uint> _added = [];
    readonly HashSet<DataKeyId> _keys;

    VerifiedObjects(string? path, string repositoryId, byte[] salt, ulong[] known, uint[] when, HashSet<DataKeyId> keys) =>
        (_path, _repositoryId, _salt, _known, _when, _seen, _keys) = (path, repositoryId, salt, known, when, new bool[known.Length], keys);

    static ReadOnlySpan<byte> Magic => "pitr-verified 1\n"u8;

    /// <summary>Data keys that something was sealed with, now or earlier.</summary>
    public IReadOnlyCollection<DataKeyId> Keys
    {
        get
        {
            lock (_lock)
            {
                return [.. _keys];
            }
        }
    }

    /// <summary>Reads what is remembered of a repository; nothing when there is no such file, or not a whole one.</summary>
    /// <param name="path">The file; null: nothing is remembered.</param>
    /// <param name="repositoryId">The repository's own id: another one in its place is not known.</param>
    /// <param name="now">The present. What is later was written by a clock that was wrong, and is not believed.</param>
    public static VerifiedObjects Load(string? path, string repositoryId, DateTimeOffset now)
    {
        var content = File.Exists(path) ? File.ReadAllBytes(path) : [];
        var head = Magic.Length + SaltSize + (2 * sizeof(int));
        if (content.Length < head + SHA256.HashSizeInBytes || !content.AsSpan().StartsWith(Magic)
            || !SHA256.HashData(content.AsSpan(0, content.Length - SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(content.AsSpan(content.Length - SHA256.HashSizeInBytes)))
        {
            return new VerifiedObjects(path, repositoryId, RandomNumberGenerator.GetBytes(SaltSize), [], [], []);
        }

        var keys = BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(Magic.Length + SaltSize));
        var count = BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(Magic.Length + SaltSize + sizeof(int)));
        var ids = Enumerable.Range(0, keys).Select(i => DataKeyId.FromBytes(content.AsSpan(head + (i * IdSize)))).ToHashSet();
        var marks = head + (keys * IdSize);
        var known = new ulong[count];
        var when = new uint[count];
        for (var i = 0; i < count; i++)
        {
            known[i] = BinaryPrimitives.ReadUInt64LittleEndian(content.AsSpan(marks + (i * MarkSize)));
            var minute = BinaryPrimitives.ReadUInt32LittleEndian(content.AsSpan(marks + (count * MarkSize) + (i * MinuteSize)));
            when[i] = minute <= Minute(now.AddDays(1)) ? minute : 0;
        }

        return new VerifiedObjects(path, repositoryId, content.AsSpan(Magic.Length, SaltSize).ToArray(), known, when, ids);
    }

    /// <summary>The mark of an object as it is stored now.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="size">Bytes stored.</param>
    /// <param name="modified">When it was put, by the store's clock.</param>
    /// <param name="expected">What else it was held against, like a digest.</param>
    public ulong Mark(string key, long size, DateTimeOffset modified, string expected = "")
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{_repositoryId}\n{key}\n{size}\n{modified.UtcTicks}\n{expected}");
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(_salt, Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    /// <summary>Whether an object was verified at or after a moment.</summary>
    public bool IsFresh(ulong mark, DateTimeOffset since)
    {
        uint? minute = null;
        lock (_lock)
        {
            if (_added.TryGetValue(mark, out var added))
            {
                minute = added;
            }
        }

        var at = Array.BinarySearch(_known, mark);
        if (at >= 0)
        {
            _seen[at] = true;
            minute ??= _when[at];
        }

        return minute is > 0 and var known && Epoch.AddMinutes(known) >= since;
    }

    /// <summary>Remembers that an object was read and found right.</summary>
    public void Add(ulong mark, DateTimeOffset now)
    {
        lock (_lock)
        {
            _added[mark] = Minute(now);
        }
    }

    /// <summary>Forgets one of this run: something about it was not right after all.</summary>
    public void Remove(ulong mark)
    {
        var at = Array.BinarySearch(_known, mark);
        lock (_lock)
        {
            _added.Remove(mark);
            if (at >= 0)
            {
                _when[at] = 0;
            }
        }
    }

    /// <summary>Remembers that a data key is in use: that it is there is looked at also when what it seals is not read.</summary>
    public void Add(DataKeyId key)
    {
        lock (_lock)
        {
            _keys.Add(key);
        }
    }

    /// <summary>Writes it down.</summary>
    /// <exception cref="IOException">The state directory cannot be written.</exception>
    public void Save(DateTimeOffset now)
    {
        lock (_lock)
        {
            var oldest = Minute(now - Unseen);
            var kept = new List<(ulong Mark, uint When)>(_known.Length + _added.Count);
            for (var i = 0; i < _known.Length; i++)
            {
                if (_when[i] > 0 && (_seen[i] || _when[i] >= oldest) && !_added.ContainsKey(_known[i]))
                {
                    kept.Add((_known[i], _when[i]));
                }
            }

            kept.AddRange(_added.Select(a => (a.Key, a.Value)));
            kept.Sort((a, b) => a.Mark.CompareTo(b.Mark));
            if (_path is not null)
            {
                StateFile.Replace(_path, Serialize(kept));
            }
        }
    }

    byte[] Serialize(List<(ulong Mark, uint When)> kept)
    {
        var head = Magic.Length + SaltSize + (2 * sizeof(int));
        var marks = head + (_keys.Count * IdSize);
        var length = marks + (kept.Count * (MarkSize + MinuteSize));
        var content = new byte[length + SHA256.HashSizeInBytes];
        Magic.CopyTo(content);
        _salt.CopyTo(content.AsSpan(Magic.Length));
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(Magic.Length + SaltSize), _keys.Count);
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(Magic.Length + SaltSize + sizeof(int)), kept.Count);
        foreach (var (id, i) in _keys.Select((id, i) => (id, i)))
        {
            id.ToBytes().CopyTo(content.AsSpan(head + (i * IdSize)));
        }

        for (var i = 0; i < kept.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(marks + (i * MarkSize)), kept[i].Mark);
            BinaryPrimitives.WriteUInt32LittleEndian(content.AsSpan(marks + (kept.Count * MarkSize) + (i * MinuteSize)), kept[i].When);
        }

        SHA256.HashData(content.AsSpan(0, length)).CopyTo(content.AsSpan(length));
        return content;
    }

    static uint Minute(DateTimeOffset moment) => (uint)Math.Clamp((moment - Epoch).TotalMinutes, 1, uint.MaxValue);
}
