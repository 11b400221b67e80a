using System.Diagnostics;
using Pitr.Storage.Sftp;

namespace Pitr.Storage.Tests.Sftp;

/// <summary>What goes wrong between here and a real sshd costs the operation under way and nothing else, and is told.</summary>
public sealed class SftpFaultTests : IAsyncLifetime
{
    const string Key = "services/main/wal/object";
    static readonly CancellationToken None = CancellationToken.None;

    SftpTestServer _server = null!;

    public async Task InitializeAsync() => _server = await SftpTestServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Ssh_killed_in_the_middle_of_a_put_leaves_nothing_and_the_next_put_succeeds()
    {
        await using var store = _server.Open(change: options => options with { Connections = 1 });
        var content = Contents.PausedHalfway(Contents.Bytes(6_000_000), _ =>
        {
            Kill(Assert.Single(store.ProcessIds));
            return Task.CompletedTask;
        });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.PutAsync(Key, content, PutMode.CreateNew, None));
        AssertTells(error, transient: true, Key);
        Assert.Null(await store.StatAsync(Key, None));
        Assert.Empty(await store.KeysAsync());

        await store.PutAsync(Key, Contents.Bytes(6_000_000), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(6_000_000), await store.ReadAllAsync(Key, None));
        Assert.Equal(2, store.ProcessIds.Count);
    }

    [Fact]
    public async Task Ssh_killed_in_the_middle_of_a_get_is_an_error_and_never_an_early_end()
    {
        const int Length = 30_000_000;
        await using var store = _server.Open(change: options => options with { Connections = 1 });
        await store.PutAsync(Key, Contents.Bytes(Length), PutMode.CreateNew, None);
        await using (var stream = await store.OpenReadAsync(Key, range: null, None))
        {
            await stream.ReadExactlyAsync(new byte[100_000], None);
            Kill(Assert.Single(store.ProcessIds));
            var error = await Assert.ThrowsAsync<StorageException>(() => stream.CopyToAsync(Stream.Null, None));
            AssertTells(error, transient: true, Key);
        }

        Assert.Equal(Contents.Bytes(Length), await store.ReadAllAsync(Key, None));
    }

    [Fact]
    public async Task A_server_that_is_killed_is_a_transient_error_until_it_is_back()
    {
        await using var store = _server.Open();
        await store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
        var content = Contents.PausedHalfway(Contents.Bytes(6_000_000), _ => _server.KillAsync());
        AssertTells(
            await Assert.ThrowsAsync<StorageException>(() => store.PutAsync(Key + 2, content, PutMode.CreateNew, None)), transient: true, Key + 2);
        var refused = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(refused, transient: true, Key);
        Assert.Contains("refused", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<StorageException>(() => store.KeysAsync());

        await _server.StartAgainAsync();
        Assert.Equal(Contents.Bytes(10), await store.ReadAllAsync(Key, None));
        Assert.Equal([Key], await store.KeysAsync());
        await store.PutAsync(Key + 2, Contents.Bytes(20), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(20), await store.ReadAllAsync(Key + 2, None));
    }

    [Fact]
    public async Task A_changed_host_key_is_a_permanent_error_that_warns()
    {
        await _server.ChangeHostKeyAsync();
        await _server.KillAsync();
        await _server.StartAgainAsync();
        await using var store = _server.Open(change: options => options with { HostKeyChecking = SftpHostKeyChecking.AcceptNew });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: false, Key);
        Assert.Contains("host key changed", error.Message, StringComparison.Ordinal);
        Assert.Contains("somebody may be in between", error.Hint, StringComparison.Ordinal);

        await _server.TrustAsync();
        await store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
    }

    [Fact]
    public async Task An_unknown_server_is_refused_unless_new_ones_are_to_be_accepted()
    {
        var empty = _server["no known hosts %h"];
        await System.IO.File.WriteAllTextAsync(empty, "");
        await using var strict = _server.Open(change: options => options with { KnownHostsFile = empty });
        var error = await Assert.ThrowsAsync<StorageException>(() => strict.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None));
        AssertTells(error, transient: false, Key);
        Assert.Contains("known_hosts", error.Hint, StringComparison.Ordinal);

        await using var accepting = _server.Open(change: options => options with
        {
            KnownHostsFile = empty,
            HostKeyChecking = SftpHostKeyChecking.AcceptNew,
        });
        await accepting.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal(Contents.Bytes(10), await strict.ReadAllAsync(Key, None));
        Assert.NotEmpty(await System.IO.File.ReadAllTextAsync(empty));
    }

    [Fact]
    public async Task A_wrong_key_is_a_permanent_error()
    {
        await using var store = _server.Open(change: options => options with { IdentityFile = _server["host_key"] });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: false, Key);
        Assert.Contains("does not accept this user and key", error.Message, StringComparison.Ordinal);
        Assert.Contains("authorized_keys", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_ssh_is_a_permanent_error()
    {
        await using var store = _server.Open(change: options => options with { SshProgram = _server["no-such-ssh"] });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: false, Key);
        Assert.Contains("openssh-client", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_without_the_subsystem_is_a_permanent_error()
    {
        var configuration = await System.IO.File.ReadAllTextAsync(_server["sshd_config"]);
        await System.IO.File.WriteAllTextAsync(_server["sshd_config"], configuration.Replace("Subsystem sftp", "Subsystem other", StringComparison.Ordinal));
        await _server.KillAsync();
        await _server.StartAgainAsync();
        await using var store = _server.Open();
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: false, Key);
        Assert.Contains("Subsystem sftp internal-sftp", error.Hint, StringComparison.Ordinal);
    }

    [UnprivilegedFact]
    public async Task A_directory_without_rights_is_a_permanent_error_that_names_it()
    {
        await using var store = _server.Open();
        await store.PutAsync("open/a", Contents.Bytes(10), PutMode.CreateNew, None);
        await store.PutAsync("closed/a", Contents.Bytes(10), PutMode.CreateNew, None);
        var closed = Path.Combine(_server.Files, "closed");
        System.IO.File.SetUnixFileMode(closed, UnixFileMode.None);
        await AssertDeniedAsync(() => store.PutAsync("closed/b", Contents.Bytes(10), PutMode.CreateNew, None));
        await AssertDeniedAsync(() => store.PutAsync("closed/below/b", Contents.Bytes(10), PutMode.Replace, None));
        await AssertDeniedAsync(() => store.StatAsync("closed/a", None));
        await AssertDeniedAsync(() => store.ReadAllAsync("closed/a", None));
        await AssertDeniedAsync(() => store.DeleteAsync("closed/a", None));
        await AssertDeniedAsync(() => store.KeysAsync("closed/"));
        Assert.Equal(["open/a"], await store.KeysAsync("open/"));

        System.IO.File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await store.PutAsync("closed/b", Contents.Bytes(10), PutMode.CreateNew, None);
        Assert.Equal(["closed/a", "closed/b", "open/a"], await store.KeysAsync());

        async Task AssertDeniedAsync(Func<Task> operation)
        {
            var error = await Assert.ThrowsAsync<StorageException>(operation);
            Assert.False(error.IsTransient);
            Assert.Contains("permission denied", error.Message, StringComparison.Ordinal);
            Assert.Contains(closed, error.Message, StringComparison.Ordinal);
            Assert.Contains(Environment.UserName, error.Hint, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_server_that_stalls_is_given_up_and_a_new_session_is_started()
    {
        await using var store = _server.Open(change: options => options with { Connections = 1, StallTimeout = TimeSpan.FromSeconds(0.5) });
        await store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
        await SignalAsync("STOP", Assert.Single(store.ProcessIds));
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: true, Key);
        Assert.Contains("no byte moved", error.Message, StringComparison.Ordinal);
        Assert.Equal(Contents.Bytes(10), await store.ReadAllAsync(Key, None));
    }

    [Fact]
    public async Task A_server_that_never_answers_is_given_up()
    {
        var silent = await ScriptAsync("silent", "exec sleep 600");
        await using var store = _server.Open(change: options => options with { SshProgram = silent, ConnectTimeout = TimeSpan.FromSeconds(0.5) });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: true, Key);
        Assert.Contains("connect-timeout", error.Hint, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(Assert.Single(store.ProcessIds)));
    }

    [Fact]
    public async Task A_cancellation_does_not_wait_for_a_server_that_stalls()
    {
        await using var store = _server.Open(change: options => options with { Connections = 1 });
        await store.PutAsync(Key, Contents.Bytes(10), PutMode.CreateNew, None);
        await SignalAsync("STOP", Assert.Single(store.ProcessIds));
        using var cancellation = new CancellationTokenSource();
        var statting = store.StatAsync(Key, cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => statting);
        await SignalAsync("CONT", Assert.Single(store.ProcessIds));
        Assert.NotNull(await store.StatAsync(Key, None));
    }

    [Fact]
    public async Task A_start_up_file_that_prints_text_is_told_from_sftp()
    {
        var chatty = await ScriptAsync("chatty", "echo 'Welcome to example.net!'; exec cat");
        await using var store = _server.Open(change: options => options with { SshProgram = chatty });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: false, Key);
        Assert.Contains("Welcome to example.net!", error.Message, StringComparison.Ordinal);
        Assert.Contains("internal-sftp", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_that_end_as_soon_as_they_begin_do_not_hang()
    {
        var chatty = await ScriptAsync("chatty", "echo 'Welcome to example.net!'; exec cat");
        for (var round = 0; round < 60; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
            {
                await using var store = _server.Open(change: options => options with { SshProgram = chatty });
                await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
            })).WaitAsync(TimeSpan.FromMinutes(1));
        }
    }

    [Fact]
    public async Task What_ssh_says_is_told_without_its_control_characters()
    {
        var failing = await ScriptAsync("failing", "printf 'first\\n\\033[31mred\\007 reason\\n' >&2; exit 255");
        await using var store = _server.Open(change: options => options with { SshProgram = failing });
        var error = await Assert.ThrowsAsync<StorageException>(() => store.StatAsync(Key, None));
        AssertTells(error, transient: true, Key);
        Assert.Contains("red  reason", error.Message, StringComparison.Ordinal);
        Assert.Contains("exit code 255", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Fact]
    public async Task A_server_that_takes_no_more_connections_is_used_by_those_there_are()
    {
        var limited = await ScriptAsync(
            "limited", "mkdir \"$0.taken\" 2>/dev/null && exec ssh \"$@\"; echo 'kex_exchange_identification: Connection closed by remote host' >&2; exit 255");
        await using var store = _server.Open(change: options => options with { SshProgram = limited });
        await store.ConnectAsync(None);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => store.PutAsync($"a/{i}", Contents.Bytes(1000), PutMode.CreateNew, None)));
        Assert.Equal(8, (await store.KeysAsync()).Length);
        Assert.True(store.ProcessIds.Count > 1);
    }

    [Fact]
    public async Task Nothing_runs_on_after_the_end()
    {
        var store = _server.Open();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => store.PutAsync($"a/{i}", Contents.Bytes(10), PutMode.CreateNew, None)));
        Assert.InRange(store.ProcessIds.Count, 1, 4);
        await store.DisposeAsync();
        foreach (var id in store.ProcessIds)
        {
            Assert.Throws<ArgumentException>(() => Process.GetProcessById(id));
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => store.StatAsync("a/1", None));
    }

    static void AssertTells(StorageException error, bool transient, string key)
    {
        Assert.True(error.IsTransient == transient, error.Message);
        Assert.Equal("offsite", error.Repository);
        Assert.Equal(key, error.Key);
        Assert.Contains("repository \"offsite\"", error.Message, StringComparison.Ordinal);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    static void Kill(int id)
    {
        using var process = Process.GetProcessById(id);
        process.Kill();
    }

    static async Task SignalAsync(string signal, int id)
    {
        using var process = Process.Start("sh", ["-c", $"kill -{signal} {id}"]);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    async Task<string> ScriptAsync(string name, string text)
    {
        await System.IO.File.WriteAllTextAsync(_server[name], $"#!/bin/sh\n{text}\n");
        System.IO.File.SetUnixFileMode(_server[name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return _server[name];
    }
}
