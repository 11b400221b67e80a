namespace Pitr.Storage.Tests.S3;

/// <summary>What <see cref="FaultProxy"/> does to a request instead of just passing it on.</summary>
public sealed record ProxyFault
{
    /// <summary>Passes that many bytes of the request's content on, then breaks both connections.</summary>
    public long? CutRequestAfter { get; init; }

    /// <summary>Passes that many bytes of the answer's content on, then breaks both connections.</summary>
    public long? CutAnswerAfter { get; init; }

    /// <summary>Lets the server do its work, then breaks the connection without an answer.</summary>
    public bool LoseAnswer { get; init; }

    /// <summary>Takes the request, and never says anything.</summary>
    public bool Hang { get; init; }

    /// <summary>Passes that many bytes of the answer's content on, then nothing more.</summary>
    public long? HangAnswerAfter { get; init; }

    /// <summary>Changes a bit of the request's content on the way.</summary>
    public bool FlipBit { get; init; }

    /// <summary>Answers by itself.</summary>
    public string? Answer { get; init; }

    /// <summary>An answer without content.</summary>
    public static ProxyFault Status(string status, params string[] headers) =>
        new() { Answer = $"HTTP/1.1 {status}\r\n{string.Concat(headers.Select(header => header + "\r\n"))}Content-Length: 0\r\n\r\n" };

    /// <summary>An answer with content.</summary>
    public static ProxyFault Body(string status, string body, params string[] headers) => new()
    {
        Answer = $"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\n{string.Concat(headers.Select(header => header + "\r\n"))}"
            + $"Content-Length: {System.Text.Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}",
    };
}
