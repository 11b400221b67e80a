using System.CommandLine;
using Pitr.Cli;
using Pitr.Cli.Commands;
using Pitr.Cli.Output;

// The composition root: commands are registered here, and errors become exit codes here, nowhere else.
// Threads that compress and threads that wait in reads work side by side; the pool would add the missing ones only after half a second.
ThreadPool.SetMinThreads(Environment.ProcessorCount + 8, Environment.ProcessorCount + 8);
Terminal.SetUp();
var root = PitrCommand.Create();
var parsed = root.Parse(args);
if (UsageOutput.Misunderstanding(parsed) is { } misunderstanding)
{
    return UsageOutput.Report(misunderstanding);
}

UsageOutput.HideOuterArguments(parsed);

try
{
    return await parsed.InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        // A backup or drill that is told to stop first gives back its lease and clears its scratch space; a restore in place puts the old cluster back.
        ProcessTerminationTimeout = RestoreCommand.IsInPlace(parsed) ? TimeSpan.FromHours(1) : TimeSpan.FromMinutes(1),
    });
}
catch (Exception e)
{
    return ErrorOutput.Report(e, parsed);
}
