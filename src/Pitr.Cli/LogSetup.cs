using Pitr.Operations.Configuration;
using Serilog;
using Serilog.Events;

namespace Pitr.Cli;

/// <summary>Where log lines go: standard error, and the file the configuration names.</summary>
static class LogSetup
{
    const string Template = "{Timestamp:yyyy-MM-ddTHH:mm:ss.fffzzz} {Level:u3} {Message:lj}{NewLine}{Exception}";

    public static Serilog.Core.Logger Create(LogSettings settings, LogEventLevel consoleLevel)
    {
        var configured = Enum.Parse<LogEventLevel>(settings.Level, ignoreCase: true);
        var log = new LoggerConfiguration()
            .MinimumLevel.Verbose()
            .WriteTo.Console(consoleLevel, Template, standardErrorFromLevel: LogEventLevel.Verbose);
        return settings.File is { } file
            ? log.WriteTo.File(file, configured, Template, rollOnFileSizeLimit: true, fileSizeLimitBytes: 64 << 20, retainedFileCountLimit: 8, hooks: new AppendingLogFile()).CreateLogger()
            : log.CreateLogger();
    }
}
