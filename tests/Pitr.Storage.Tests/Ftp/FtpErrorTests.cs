using Pitr.Storage.Ftp;

namespace Pitr.Storage.Tests.Ftp;

/// <summary>What curl and servers say, and what becomes of it.</summary>
public class FtpErrorTests
{
    static readonly FtpOptions Options = new() { Host = "backup.example", User = "pitr", Password = "s3cr3t" };

    [Theory]
    [InlineData("STOR /x", "452 Insufficient storage", false, "full")]
    [InlineData("STOR /x", "552 Quota exceeded", false, "quota")]
    [InlineData("STOR /x", "553 Permission denied", false, "pitr")]
    [InlineData("STOR /x", "550 Permission denied", false, "pitr")]
    [InlineData("STOR /x", "426 Connection closed", true, "temporary")]
    [InlineData("STOR /x", "425 No data connection", true, "passive")]
    [InlineData("STOR /x", "451 Local error", true, "temporary")]
    [InlineData("USER pitr", "421 Too many connections", true, "connections")]
    [InlineData("PASS s3cr3t", "530 Login incorrect", false, "password")]
    [InlineData("PASS s3cr3t", "530 Sorry, the maximum number of clients are connected", true, "connections")]
    [InlineData("STOR /x", "522 Data connections must be encrypted", false, "TLS")]
    public void Answers_are_classified(string command, string answer, bool transient, string hint)
    {
        var transcript = new FtpTranscript();
        transcript.Add("> " + command);
        transcript.Add("< " + answer);
        transcript.Add("curl: (25) something");
        var error = new FtpErrors("offsite", Options).From("a/b", "cannot store it", 25, transcript, stalled: false);
        Assert.Equal((transient, "offsite", "a/b"), (error.IsTransient, error.Repository, error.Key));
        Assert.Contains(answer, error.Message, StringComparison.Ordinal);
        Assert.Contains(hint, error.Hint, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cr3t", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6, "Could not resolve host: backup.example", true)]
    [InlineData(7, "Failed to connect", true)]
    [InlineData(28, "Connection timed out", true)]
    [InlineData(35, "OpenSSL SSL_connect: Connection reset by peer", true)]
    [InlineData(35, "error:0A00042E:SSL routines::tlsv1 alert protocol version", false)]
    [InlineData(56, "Recv failure", true)]
    [InlineData(18, "transfer closed", true)]
    [InlineData(60, "SSL certificate problem", false)]
    [InlineData(64, "Requested SSL level failed", false)]
    [InlineData(77, "error setting certificate file", false)]
    [InlineData(2, "unknown option", false)]
    public void Exit_codes_are_classified(int exitCode, string message, bool transient)
    {
        var transcript = new FtpTranscript();
        transcript.Add($"curl: ({exitCode}) {message}");
        var error = new FtpErrors("offsite", Options).From("a/b", "cannot store it", exitCode, transcript, stalled: false);
        Assert.Equal(transient, error.IsTransient);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.NotNull(error.Hint);
    }

    [Fact]
    public void A_password_that_a_server_repeats_is_not_shown()
    {
        var transcript = new FtpTranscript();
        transcript.Add("> PASS s3cr3t");
        transcript.Add("< 530 Login of pitr with s3cr3t failed");
        var error = new FtpErrors("offsite", Options).From(key: null, "cannot connect", 67, transcript, stalled: false);
        Assert.DoesNotContain("s3cr3t", $"{error} {error.Hint} {Options}", StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        foreach (var wrong in (FtpOptions[])[
            Options with { Host = "" }, Options with { Host = "a/b" }, Options with { Port = 0 }, Options with { User = "a:b" },
            Options with { Password = "a\nurl = evil" }, Options with { Path = "a/../b" }, Options with { Path = "a\rDELE b" },
            Options with { Connections = 0 }, Options with { StallTimeout = TimeSpan.Zero }])
        {
            var error = Assert.Throws<ArgumentException>(() => new FtpObjectStore("offsite", wrong, TimeProvider.System));
            Assert.DoesNotContain("evil", error.Message, StringComparison.Ordinal);
        }
    }
}
