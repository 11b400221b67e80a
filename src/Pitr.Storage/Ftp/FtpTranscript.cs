namespace Pitr.Storage.Ftp;

/// <summary>
/// What was said on the control connections of one run of curl, from what <c>curl --verbose</c> writes: <c>&gt;</c> before commands,
/// <c>&lt;</c> before answers, <c>curl: (7)</c> before its own verdict. Never keeps the password. Safe for several threads.
/// </summary>
sealed class FtpTranscript
{
    readonly Lock _lock = new();
    readonly List<FtpExchange> _exchanges = [];
    readonly List<(Predicate<FtpTranscript> Condition, TaskCompletionSource Reached)> _waiting = [];
    string? _curlMessage;

    /// <summary>curl's own last words, such as <c>Connection refused</c>.</summary>
    public string? CurlMessage
    {
        get
        {
            lock (_lock)
            {
                return _curlMessage;
            }
        }
    }

    /// <summary>Takes one line of curl's standard error.</summary>
    public void Add(string line)
    {
        lock (_lock)
        {
            if (line.StartsWith("> ", StringComparison.Ordinal))
            {
                var command = line[2..];
                _exchanges.Add(new FtpExchange(IsSecret(command) ? command.Split(' ', 2)[0] : command));
            }
            else if (line.StartsWith("< ", StringComparison.Ordinal))
            {
                if (_exchanges.Count == 0)
                {
                    _exchanges.Add(new FtpExchange(""));
                }

                _exchanges[^1].Add(line[2..]);
            }
            else if (line.StartsWith("curl: ", StringComparison.Ordinal))
            {
                _curlMessage = line["curl: ".Length..];
            }

            for (var i = _waiting.Count - 1; i >= 0; i--)
            {
                if (_waiting[i].Condition(this))
                {
                    _waiting[i].Reached.TrySetResult();
                    _waiting.RemoveAt(i);
                }
            }
        }
    }

    /// <summary>Completes once the condition holds; never, if it never does.</summary>
    public Task WhenAsync(Predicate<FtpTranscript> condition)
    {
        lock (_lock)
        {
            if (condition(this))
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Add((condition, reached));
            return reached.Task;
        }
    }

    /// <summary>The last time this command was sent, and the answer.</summary>
    public FtpExchange? Find(string command)
    {
        lock (_lock)
        {
            return _exchanges.FindLast(exchange => string.Equals(exchange.Command, command, StringComparison.Ordinal));
        }
    }

    /// <summary>The last command that the server refused and nothing was said after, apart from farewells: the one that ended the run.</summary>
    public FtpExchange? Refusal()
    {
        lock (_lock)
        {
            var last = _exchanges.FindLast(exchange => exchange.Command is not ("QUIT" or "ABOR"));
            return last?.Code >= 400 ? last : null;
        }
    }

    /// <summary>The directories that the server made, in order.</summary>
    public IReadOnlyList<string> Made()
    {
        lock (_lock)
        {
            return [.. _exchanges.Where(exchange => exchange is { Verb: "MKD", Succeeded: true }).Select(exchange => exchange.Command["MKD ".Length..])];
        }
    }

    /// <summary>The last answer, for messages about what came after it.</summary>
    public string? LastAnswer()
    {
        lock (_lock)
        {
            return _exchanges.FindLast(exchange => exchange.Code != 0)?.Answer;
        }
    }

    static bool IsSecret(string command) =>
        command.StartsWith("PASS", StringComparison.OrdinalIgnoreCase) || command.StartsWith("ACCT", StringComparison.OrdinalIgnoreCase);
}
