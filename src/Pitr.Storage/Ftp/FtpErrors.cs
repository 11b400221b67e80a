namespace Pitr.Storage.Ftp;

/// <summary>Turns what curl and the server said into <see cref="StorageException"/>s that say what to do next. curl(1), "EXIT CODES"; RFC 959 §4.2.</summary>
sealed class FtpErrors(string repository, FtpOptions options)
{
    public string Repository => repository;

    string Server => $"{options.Host}:{options.EffectivePort}";

    /// <summary>The error for a run that failed.</summary>
    /// <param name="key">The object or prefix concerned, if any.</param>
    /// <param name="what">What failed, such as <c>cannot store it</c>.</param>
    /// <param name="exitCode">curl's exit code.</param>
    /// <param name="transcript">What was said.</param>
    /// <param name="stalled">Whether the run was ended for making no progress.</param>
    public StorageException From(string? key, string what, int exitCode, FtpTranscript transcript, bool stalled)
    {
        if (stalled)
        {
            var last = transcript.LastAnswer() is { } answer ? $"its last answer was \"{answer}\"" : "it never answered";
            return Error(
                key, $"{what}: the server {Server} made no progress for {options.StallTimeout.TotalSeconds:0.###} s; {last}", transient: true,
                "look at the server and the network; a firewall may let commands pass but not data; raise the stall timeout if the server is merely slow");
        }

        // Where TLS failed, curl's own words say more than the last answer.
        if (transcript.Refusal() is { } refusal
            && exitCode is not (35 or 51 or 53 or 54 or 58 or 59 or 60 or 66 or 77 or 80 or 82 or 83 or 90 or 91)
            && !(exitCode == 64 && refusal.Code >= 500))
        {
            return Refused(key, what, refusal);
        }

        var detail = $"{what}: {transcript.CurlMessage ?? $"curl ended with exit code {exitCode}"}";
        return exitCode switch
        {
            6 => Error(key, detail, transient: true, $"check the host name {options.Host} and the name service"),
            // curl goes from EPSV to PASV when the data connection fails, also when the server breaks off its TLS.
            13 or 14 => Error(
                key, $"{detail} (server {Server})", transient: true,
                "the data connection failed: see that the server's passive ports are reachable, and in its log whether TLS fails on data connections"),
            7 or 28 or 45 => Error(
                key, $"{detail} (server {Server})", transient: true,
                "see that the server runs and that no firewall keeps its control port or its passive ports"),
            35 when transcript.CurlMessage is { } message && IsCut(message) => Error(
                key, detail, transient: true, "the connection was cut while TLS was agreed on; look at the server's log"),
            64 => Error(
                key, $"{detail}: the server {Server} offers no TLS", transient: false,
                "turn TLS on at the server; only with \"tls: none\" would pitr send the password unprotected"),
            51 or 60 => Error(
                key, detail, transient: false,
                $"the certificate must be for the name {options.Host} and come from an authority that is known: name its file as the repository's CA file"),
            77 => Error(key, detail, transient: false, $"the CA file {options.CaFile} must be a readable PEM file"),
            35 or 53 or 54 or 58 or 59 or 66 or 80 or 82 or 83 or 90 or 91 => Error(
                key, detail, transient: false, "see which TLS versions and ciphers the server allows; pitr asks for TLS 1.2 or newer"),
            67 => Error(key, $"{what}: the server {Server} refused the login of user {options.User}", transient: false, LoginHint),
            8 or 10 or 12 or 16 or 18 or 52 or 55 or 56 or 92 or 95 => Error(
                key, $"{detail} (server {Server})", transient: true, "the connection was lost; look at the server's log and the network"),
            26 => Error(
                key, detail, transient: false, "curl must be able to open a pipe of pitr below /proc: both must run as one user, with /proc mounted"),
            27 => Error(key, detail, transient: true, "this host is short of memory"),
            1 or 2 or 4 or 48 => Error(
                key, detail, transient: false, $"{options.CurlProgram} must be curl 7.75 or newer with FTP and TLS; see curl --version"),
            130 or 137 or 143 => Error(key, $"{what}: curl was killed (exit code {exitCode})", transient: true, "see who killed it; perhaps memory was short"),
            _ => Error(key, $"{detail} (exit code {exitCode})", transient: false),
        };
    }

    /// <summary>The error for a command that the server refused.</summary>
    public StorageException Refused(string? key, string what, FtpExchange refusal)
    {
        var cause = $"{what}: the server answered \"{Redact(refusal.Answer)}\" to {refusal.Verb}";
        var isLogin = refusal.Verb is "USER" or "PASS" or "the connection";
        return refusal.Code switch
        {
            452 or 552 => Error(
                key, cause, transient: false,
                "the server's disk or the user's quota is full: add space, or let expire remove backups; nothing of this object was kept"),
            // Some servers say "530" also when they have too many clients.
            530 when refusal.Answer.Contains("too many", StringComparison.OrdinalIgnoreCase) || refusal.Answer.Contains("maximum", StringComparison.OrdinalIgnoreCase) =>
                Error(key, cause, transient: true, TooManyHint),
            >= 500 when isLogin => Error(key, $"{cause} (user {options.User})", transient: false, LoginHint),
            421 => Error(key, cause, transient: true, TooManyHint),
            425 => Error(key, cause, transient: true, "the data connection failed: see that the server's passive ports are reachable"),
            >= 400 and < 500 => Error(key, cause, transient: true, "the server calls this temporary; look at its log if it stays"),
            522 or 534 or 536 => Error(key, cause, transient: false, "the server and pitr do not agree on the protection of connections; see its TLS settings"),
            550 or 553 => Error(
                key, cause, transient: false, $"let the user {options.User} read, write, rename and delete below the repository's path on the server"),
            _ => Error(key, cause, transient: false),
        };
    }

    public StorageException NoCurl(string? key, string reason) => Error(
        key, $"cannot run {options.CurlProgram}: {reason}", transient: false, "install curl (Debian: apt-get install curl)");

    public StorageException Unreadable(string? key, string what, string fault) => Error(
        key, $"{what}: the server's answer is not understood: {Redact(fault)}", transient: false,
        "pitr needs MLSD, or LIST in the form of ls -l; a repository holds nothing but pitr's objects");

    public StorageException NotAFile(string key) => Error(
        key, "is a link or something else that is no file", transient: false, "nothing but pitr's objects belongs into a repository; move it away");

    public StorageException PrefixInTheWay(string key) => Error(
        key, "there is a directory of this name, so other objects have this key as their prefix", transient: false);

    public StorageException ObjectInTheWay(string key, string other) => Error(
        key, $"there is an object \"{other}\", whose key is needed as a prefix", transient: false);

    public StorageException RootMissing(string root, string answer) => Error(
        key: null, $"the repository directory {root} on {Server} cannot be entered: \"{Redact(answer)}\"", transient: false,
        $"correct the repository's path, let the user {options.User} enter it, or create the repository");

    public StorageException Error(string? key, string message, bool transient, string? hint = null) =>
        new(repository, key, Redact(message), transient, hint);

    const string LoginHint = "correct user and password of the repository; trying again would only lock the account";

    const string TooManyHint = "the server is busy or allows fewer connections per user: lower the repository's connections";

    // No server should repeat a password, and none of its answers is worth the risk.
    string Redact(string text) => options.Password.Length > 0 ? text.Replace(options.Password, "***", StringComparison.Ordinal) : text;

    static bool IsCut(string message) =>
        message.Contains("SYSCALL", StringComparison.Ordinal) || message.Contains("reset", StringComparison.OrdinalIgnoreCase)
        || message.Contains("EOF", StringComparison.OrdinalIgnoreCase) || message.Contains("closed", StringComparison.OrdinalIgnoreCase);
}
