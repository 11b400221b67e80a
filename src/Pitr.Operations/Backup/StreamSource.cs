using System.Globalization;
using System.Text;
using Pitr.Format.Wal;
using Pitr.Operations.Errors;
using Pitr.Operations.Services;
using Pitr.Postgres;
using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;

namespace Pitr.Operations.Backup;

/// <summary>Method <c>stream</c>: pg_basebackup's tar is taken apart as it arrives; nothing is staged on disk, and the files need not be on this host.</summary>
/// <param name="service">Whose cluster it is.</param>
/// <param name="session">Open to its server.</param>
/// <param name="facts">About the server.</param>
/// <param name="label">The backup's label.</param>
sealed class StreamSource(PostgresService service, PostgresSession session, ServerFacts facts, string label) : IClusterSource
{
    readonly WalArrival _arrival = new(service);
    TarBackupReader? _reader;

    /// <inheritdoc/>
    public async Task ReadAsync(BackupTarget target, CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var source = PgBaseBackup.Start(new PgBaseBackupOptions
        {
            BinDirectory = PostgresBinaries.Find(facts.MajorVersion, service.Settings.BinDirectory),
            ConnectionString = service.Settings.RevealConnection(),
            Label = label,
            OnMessage = line => OnServerMessage(line, deadline),
        });
        var segment = (await session.ReadSettingsAsync(["segment_size"], cancellation))["segment_size"];
        _reader = new TarBackupReader(target, int.Parse(segment.Value, CultureInfo.InvariantCulture));
        try
        {
            await ReadAsync(source, target.Assembly, deadline.Token);
        }
        catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw WalArrival.TimedOut(service.Settings.Backup.WalDeadline, e);
        }
    }

    async Task ReadAsync(PgBaseBackup source, BackupAssembly assembly, CancellationToken cancellation)
    {
        try
        {
            await _reader!.ReadAsync(source.Output, cancellation);
        }
        catch (Exception e) when (e is ServerException or EndOfStreamException)
        {
            // A tar that breaks off is the effect; what pg_basebackup says is the cause, and that is what the caller is told.
            await source.Output.CopyToAsync(Stream.Null, cancellation);
            await source.WaitAsync(cancellation);
            throw e as ServerException ?? new ServerException("the tar that pg_basebackup wrote breaks off", "take the backup again", e);
        }

        var allSound = await source.WaitAsync(cancellation);
        if (allSound)
        {
            // The server reads pages again that look damaged, and knows best.
            assembly.DismissDamage();
        }
        else if (!assembly.HasDamage)
        {
            throw new ServerException("pg_basebackup found a wrong page checksum in what it sent, and there is none in what arrived", "look at its warnings in the log, and take the backup again");
        }
    }

    // With archiving on, the server ends a backup only when its WAL is archived; it says so, and from then on the clock runs.
    void OnServerMessage(string line, CancellationTokenSource deadline)
    {
        service.Log.Information("pg_basebackup: {Line}", line);
        if (line.Contains("waiting for required WAL segments", StringComparison.Ordinal))
        {
            deadline.CancelAfter(service.Settings.Backup.WalDeadline);
        }
    }

    // A primary archives a backup history file that names the stop position; a standby does not, there pg_control's minimum recovery
    // point, copied last, is where the backup is consistent (PostgreSQL 15 documentation, 26.3.3 and pg_basebackup notes).
    /// <inheritdoc/>
    public async Task<BackupPositions> FindPositionsAsync(CancellationToken cancellation)
    {
        var start = _reader!.Label;
        if (facts.InRecovery)
        {
            var control = _reader.ControlFile;
            var stop = control.MinRecoveryPoint;
            var now = (await session.ReadFactsAsync(cancellation)).Now;
            return new BackupPositions(start, stop, WalSegmentName.FromLsn(control.Timeline, new Lsn(stop.Value - 1), facts.WalSegmentSize), now);
        }

        var name = WalFileName.Parse($"{start.StartWal}.{start.StartLsn.Value % (ulong)facts.WalSegmentSize.Bytes:X8}.backup");
        byte[] text;
        try
        {
            text = await _arrival.WaitForFileAsync(name, cancellation);
        }
        catch (KeyUnavailableException)
        {
            // Another host archives, and this one has no identity to open what that host sealed. The backup has ended by now, so the end
            // of the segment that is written at this moment lies behind its true end; a little late is safe.
            var segment = await session.SwitchWalAsync(cancellation);
            var now = (await session.ReadFactsAsync(cancellation)).Now;
            return new BackupPositions(start, segment.StartLsn(facts.WalSegmentSize) + (ulong)facts.WalSegmentSize.Bytes, segment, now);
        }

        var history = BackupHistory.Parse(Encoding.UTF8.GetString(text));
        var observed = (await session.ReadFactsAsync(cancellation)).Now;
        // The file gives whole seconds, cut off; and no usable time where it has only a time zone's ambiguous abbreviation.
        var stopTime = history.StopTime?.AddSeconds(1) is { } stated && stated < observed ? stated : observed;
        return new BackupPositions(start, history.StopLsn, history.StopWal, stopTime);
    }
}
