using System.Globalization;
using System.Text;

namespace Pitr.Storage.Ftp;

/// <summary>The configuration that curl reads from its standard input; curl(1), <c>--config</c>. It holds the password and exists in memory only.</summary>
static class CurlConfiguration
{
    /// <summary>The configuration of one run.</summary>
    /// <param name="options">Where to connect.</param>
    /// <param name="transfers">What to do, in this order, on one connection; the first that fails is the last.</param>
    /// <param name="marker">A word that no listing holds; a line with it is written after each transfer's output.</param>
    public static string Build(FtpOptions options, IReadOnlyList<CurlTransfer> transfers, string marker)
    {
        var text = new StringBuilder();
        text.Append("verbose\nsilent\nshow-error\nfail-early\n");
        for (var i = 0; i < transfers.Count; i++)
        {
            if (i > 0)
            {
                text.Append("next\n");
            }

            AppendConnection(text, options);
            AppendTransfer(text, options, transfers[i]);
            if (transfers[i].List is not null)
            {
                Append(text, "write-out", $"\n{marker} %{{exitcode}} %{{response_code}}\n");
            }
        }

        return text.ToString();
    }

    static void AppendConnection(StringBuilder text, FtpOptions options)
    {
        Append(text, "user", $"{options.User}:{options.Password}");
        if (options.Tls != FtpTlsMode.None)
        {
            text.Append("ssl-reqd\ntlsv1.2\n");
        }

        if (options.CaFile is { } caFile)
        {
            Append(text, "cacert", caFile);
        }

        // A proxy would see, and perhaps translate, what is said.
        Append(text, "noproxy", "*");
        Append(text, "connect-timeout", Math.Max(0.001, options.ConnectTimeout.TotalSeconds).ToString("0.###", CultureInfo.InvariantCulture));
        // When the connection for data is under way, curl (seen up to 7.88) overlooks answers on the one for commands until this timer, started with
        // each connection, fires: every upload waits for it, as it does for the one of the login on a near server. 200 ms otherwise. RFC 8305 §5 wants
        // no less than 10; 25 covers a round trip to the server next door, where it would be noticed.
        text.Append("happy-eyeballs-timeout-ms = 25\n");
        // Keys are names, not patterns, and "." is no shorthand.
        text.Append("globoff\npath-as-is\n");
    }

    static void AppendTransfer(StringBuilder text, FtpOptions options, CurlTransfer transfer)
    {
        var scheme = options.Tls == FtpTlsMode.Implicit ? "ftps" : "ftp";
        var host = options.Host.Contains(':') && options.Host[0] != '[' ? $"[{options.Host}]" : options.Host;
        var path = transfer.CommandsOnly ? "" : Escape(transfer.Path);
        Append(text, "url", $"{scheme}://{host}:{options.EffectivePort}/{path}");
        // A bare LIST in the directory itself: an argument would be taken for options or a pattern by some servers.
        Append(text, "ftp-method", transfer.List is null ? "nocwd" : "singlecwd");
        foreach (var command in transfer.Before)
        {
            Append(text, "quote", command);
        }

        foreach (var command in transfer.After)
        {
            Append(text, "quote", "-" + command);
        }

        if (transfer.CommandsOnly)
        {
            text.Append("head\n");
        }
        else if (transfer.List is { } list)
        {
            Append(text, "request", list);
        }
        else if (transfer.Upload is { } upload)
        {
            Append(text, "upload-file", upload);
        }
        else if (transfer.Range is { } range)
        {
            Append(text, "range", string.Create(CultureInfo.InvariantCulture, $"{range.Offset}-{range.End - 1}"));
        }
        else
        {
            // Until the server ends it: how many bytes that should be is checked by the reader.
            text.Append("ignore-content-length\n");
        }
    }

    static void Append(StringBuilder text, string option, string value)
    {
        text.Append(option).Append(" = \"");
        foreach (var c in value)
        {
            switch (c)
            {
                case '\\' or '"':
                    text.Append('\\').Append(c);
                    break;
                case '\n':
                    text.Append("\\n");
                    break;
                case '\t':
                    text.Append("\\t");
                    break;
                case '\v':
                    text.Append("\\v");
                    break;
                default:
                    text.Append(c);
                    break;
            }
        }

        text.Append("\"\n");
    }

    // The first slash, too: "%2F" after the host is what makes a path absolute (RFC 1738 §3.2.2).
    static string Escape(string path)
    {
        var text = new StringBuilder("%2F");
        foreach (var b in Encoding.UTF8.GetBytes(path[1..]))
        {
            var c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '/' or '-' or '.' or '_' or '~')
            {
                text.Append(c);
            }
            else
            {
                text.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return text.ToString();
    }
}
