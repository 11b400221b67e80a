namespace Pitr.Postgres.Programs;

/// <summary>Holds a process up and lets it go on (SIGSTOP, SIGCONT), as a shell does with its jobs: the kernel goes on with its connections meanwhile.</summary>
public static class ProgramPause
{
    /// <summary>Holds a process up until <see cref="End"/>; one that has ended is fine.</summary>
    /// <exception cref="IOException">Not permitted.</exception>
    public static void Begin(int processId) => _ = LibC.Signal(processId, LibC.SigStop);

    /// <summary>Lets it go on; one that was not held up, or has ended, is fine.</summary>
    /// <exception cref="IOException">Not permitted.</exception>
    public static void End(int processId) => _ = LibC.Signal(processId, LibC.SigCont);
}
