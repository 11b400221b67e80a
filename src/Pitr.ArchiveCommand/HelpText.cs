namespace Pitr.ArchiveCommand;

static class HelpText
{
    internal const string Text = """
        pitr-archive: takes WAL to the archive and brings it back, called by PostgreSQL

        usage:
          pitr-archive [options] push SERVICE PATH
          pitr-archive [options] get SERVICE FILE PATH [--standby] [--repository NAME,...]
          pitr-archive --help | --version

        postgresql.conf, for a service named "main":
          archive_mode = on
          archive_command = 'pitr-archive push main %p'
          restore_command = 'pitr-archive get main %f %p'
          restore_command = 'pitr-archive get main %f %p --standby'     # on a standby

        It asks the agent ("pitr agent") over its socket. If no agent answers, it runs
        "pitr wal push" or "pitr wal get" itself: slower, never wrong. The first get of a
        recovery leaves a helper behind that serves the following ones and ends with it.

        options:
          --socket PATH      socket of the agent  [$PITR_SOCKET, else /run/pitr/agent.sock]
          --pitr PATH        program for work without an agent
                             [$PITR_PROGRAM, else pitr beside this program, else in PATH]
          --config FILE      configuration for work without an agent
          --timeout SECONDS  how long the agent may take to answer, 1 to 86400  [600]
          --standby          get: "not known" is answered like "not there" (1 instead
                             of 126), because a standby asks again for ever

          --repository NAME,...  get: ask only these repositories of the service

        exit codes:
          push  0 held durably by every required repository; 1 to 125 not archived,
                PostgreSQL asks again
          get   0 file in place; 1 proven absent from every repository; 126 not known,
                recovery must stop rather than end too early

        """;
}
