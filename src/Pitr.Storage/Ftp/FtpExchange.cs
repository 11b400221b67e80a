namespace Pitr.Storage.Ftp;

/// <summary>A command and what the server answered to it. RFC 959 §4.2: three digits, then text for people.</summary>
/// <param name="command">The command as sent, empty for the server's greeting.</param>
sealed class FtpExchange(string command)
{
    readonly List<string> _lines = [];

    /// <summary>The command as sent.</summary>
    public string Command => command;

    /// <summary>The command's first word, which says nothing about the object.</summary>
    public string Verb => command.Length == 0 ? "the connection" : command.Split(' ', 2)[0];

    /// <summary>Every line of every answer.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>The code of the last whole answer, 0 when there is none.</summary>
    public int Code { get; private set; }

    /// <summary>Whether a preliminary answer announced a data connection.</summary>
    public bool DataBegan { get; private set; }

    /// <summary>The last line that carries a code.</summary>
    public string Answer { get; private set; } = "";

    /// <summary>Whether the command is done.</summary>
    public bool Succeeded => Code is >= 200 and < 400;

    /// <summary>Whether the server does not know the command or its parameters.</summary>
    public bool NotImplemented => Code is 500 or 501 or 502 or 504;

    public void Add(string line)
    {
        _lines.Add(line);
        // "226 done" ends an answer, "226-more" and lines without a code are inside one.
        if (line.Length >= 3 && int.TryParse(line.AsSpan(0, 3), out var code) && code is >= 100 and < 600 && (line.Length == 3 || line[3] == ' '))
        {
            Code = code;
            Answer = line.TrimEnd();
            DataBegan |= code is 125 or 150;
        }
    }
}
