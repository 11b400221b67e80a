using System.Text;
using Pitr.Postgres;
using Pitr.Postgres.Programs;

namespace Pitr.Operations.Dumps;

/// <summary>Runs a tool whose answer is short.</summary>
static class ToolRun
{
    const int LongestAnswer = 16 << 20;

    /// <summary>Runs it to its end.</summary>
    /// <param name="program">Its path.</param>
    /// <param name="arguments">Nothing secret.</param>
    /// <param name="environment">Puts what it has to know into its environment.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="input">What it reads; short.</param>
    /// <returns>Its exit code, its standard output and its last messages.</returns>
    /// <exception cref="ServerException">It cannot be started, or its answer does not end.</exception>
    public static Task<(int Code, string Output, string Messages)> RunAsync(
        string program, IEnumerable<string> arguments, Action<IDictionary<string, string?>> environment, CancellationToken cancellation, string input = "") => Task.Run(
        async () =>
        {
            await using var running = ClientProgram.Start(program, arguments, environment);
            await WriteAsync(running, input);
            using var output = new MemoryStream();
            var block = new byte[64 << 10];
            while (await running.Output.ReadAsync(block, cancellation) is > 0 and var read)
            {
                output.Write(block, 0, read);
                if (output.Length > LongestAnswer)
                {
                    throw new ServerException($"{running.Name} answers with more than {LongestAnswer} bytes where a few were asked for");
                }
            }

            var code = await running.WaitAsync(cancellation);
            return (code, Encoding.UTF8.GetString(output.GetBuffer().AsSpan(0, (int)output.Length)), running.Messages);
        },
        cancellation);

    static async Task WriteAsync(ClientProgram running, string input)
    {
        try
        {
            await running.Input.WriteAsync(Encoding.UTF8.GetBytes(input), CancellationToken.None);
            running.Input.Close();
        }
        catch (IOException)
        {
            // It has ended already; its exit code says why.
        }
    }
}
