using System.Net.Sockets;
using System.Text;

namespace Pitr.Operations.Tests.Agent;

/// <summary>Whoever asks at an agent's socket: pitr-archive, or somebody worse.</summary>
static class SocketClient
{
    public static async Task<Socket> ConnectAsync(string path)
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(path));
        return client;
    }

    /// <summary>Everything up to the end of the connection, however it ends.</summary>
    public static async Task<string> ReadToEndAsync(Socket client)
    {
        using var answer = new MemoryStream();
        var buffer = new byte[4096];
        try
        {
            for (int read; (read = await client.ReceiveAsync(buffer)) > 0;)
            {
                answer.Write(buffer, 0, read);
            }
        }
        catch (SocketException)
        {
            // A reset is an end, too; what came before it counts.
        }

        return Encoding.UTF8.GetString(answer.ToArray());
    }
}
