/* The one program of ours that runs inside containers. It is freestanding, so that it runs in any image.
 *
 *   headrace-shim                 the sandbox: sleeps until SIGTERM or SIGINT, then ends with 0
 *   headrace-shim PROGRAM [ARG…]  the gate: waits for its release on standard input, then becomes PROGRAM
 *
 * The release is any number of NAME=VALUE lines and an empty one. The variables are set before PROGRAM runs: they are
 * what was not known yet when the container was made. PROGRAM finds /dev/null as its standard input.
 *
 * The gate looks PROGRAM up in $PATH as a shell does. It ends with 127 if PROGRAM isn't found, with 126 if it can't be
 * executed, the numbers of `docker run`, and with 125 if it was never released: standard input closed, or gave more
 * than LONGEST_RELEASE bytes, MOST_VARIABLES lines or a line without a name.
 */

typedef long word;

enum { ENOENT = 2, EINTR = 4, EACCES = 13, ENOTDIR = 20 };
enum { SIG_BLOCK = 0, SIGINT = 2, SIGTERM = 15 };
enum { NEVER_RELEASED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };
enum { LONGEST_PATH = 4096, LONGEST_RELEASE = 4096, MOST_VARIABLES = 32 };
enum { AT_FDCWD = -100, O_CLOEXEC = 02000000 };

#if defined(__x86_64__)
enum {
    SYS_read = 0,
    SYS_write = 1,
    SYS_rt_sigprocmask = 14,
    SYS_execve = 59,
    SYS_rt_sigtimedwait = 128,
    SYS_exit_group = 231,
    SYS_openat = 257,
    SYS_dup3 = 292,
};

static word syscall4(word number, word a, word b, word c, word d)
{
    word result;
    register word r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call start\n");

#elif defined(__aarch64__)
enum {
    SYS_dup3 = 24,
    SYS_openat = 56,
    SYS_read = 63,
    SYS_write = 64,
    SYS_exit_group = 94,
    SYS_rt_sigprocmask = 135,
    SYS_rt_sigtimedwait = 137,
    SYS_execve = 221,
};

static word syscall4(word number, word a, word b, word c, word d)
{
    register word x8 __asm__("x8") = number;
    register word x0 __asm__("x0") = a;
    register word x1 __asm__("x1") = b;
    register word x2 __asm__("x2") = c;
    register word x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}

__asm__(".globl _start\n_start:\n  mov x0, sp\n  bl start\n");

#else
#error "the shim knows x86_64 and aarch64; add this machine's system calls"
#endif

__attribute__((noreturn)) static void end(int status)
{
    for (;;)
        syscall4(SYS_exit_group, status, 0, 0, 0);
}

/* PID 1 gets only the signals it asks for. One that is blocked is kept until somebody waits for it, also for PID 1,
 * so no handler is needed (a handler would need a restorer, which differs by machine). */
__attribute__((noreturn)) static void pause_until_asked_to_end(void)
{
    unsigned long signals = 1UL << (SIGTERM - 1) | 1UL << (SIGINT - 1);
    syscall4(SYS_rt_sigprocmask, SIG_BLOCK, (word)&signals, 0, sizeof signals);
    while (syscall4(SYS_rt_sigtimedwait, (word)&signals, 0, 0, sizeof signals) < 0)
        ;
    end(0);
}

static int ends_with_empty_line(const char *text, word size)
{
    return text[size - 1] == '\n' && (size == 1 || text[size - 2] == '\n');
}

/* Reads the whole release. The buffer's bound is the protocol's: whoever writes more is not who we wait for. */
static word wait_for_release(char *release)
{
    word size = 0;
    do {
        word got = syscall4(SYS_read, 0, (word)(release + size), LONGEST_RELEASE - size, 0);
        if (got == -EINTR)
            continue;
        if (got <= 0)
            end(NEVER_RELEASED);
        size += got;
    } while (size == 0 || !ends_with_empty_line(release, size));
    return size;
}

static int is_same_name(const char *variable, const char *other)
{
    while (*variable == *other && *variable && *variable != '=')
        variable++, other++;
    return *variable == '=' && *other == '=';
}

/* Sets a variable in an environment that has room for one more. */
static void set_variable(char **environment, char *variable)
{
    while (*environment && !is_same_name(*environment, variable))
        environment++;
    if (!*environment)
        environment[1] = 0;
    *environment = variable;
}

/* Cuts the release into lines and sets each one's variable, in place: the environment points into the release. */
static void set_variables(char **environment, char *release, word size)
{
    int variables = 0;
    for (char *line = release; *line != '\n';) {
        char *at = line;
        while (at < release + size && *at != '\n' && *at != '=')
            at++;
        if (at == line || *at != '=' || ++variables > MOST_VARIABLES)
            end(NEVER_RELEASED);
        while (*at != '\n')
            at++;
        *at = 0;
        set_variable(environment, line);
        line = at + 1;
    }
}

/* What the engine gives us as standard input is a pipe that stays open. An image without /dev/null keeps that. */
static void leave_standard_input(void)
{
    word nothing = syscall4(SYS_openat, AT_FDCWD, (word) "/dev/null", O_CLOEXEC, 0);
    if (nothing > 0)
        syscall4(SYS_dup3, nothing, 0, 0, 0);
}

static word length(const char *text)
{
    word count = 0;
    while (text[count])
        count++;
    return count;
}

static int contains_slash(const char *text)
{
    for (; *text; text++)
        if (*text == '/')
            return 1;
    return 0;
}

static const char *search_path(char **environment)
{
    for (; *environment; environment++) {
        const char *entry = *environment;
        if (entry[0] == 'P' && entry[1] == 'A' && entry[2] == 'T' && entry[3] == 'H' && entry[4] == '=')
            return entry + 5;
    }
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Tries each directory of $PATH; returns the error that says most about why none of them held the program. */
static word execute_from_path(char **arguments, char **environment)
{
    const char *directory = search_path(environment);
    word name_length = length(arguments[0]);
    word worst = -ENOENT;
    char path[LONGEST_PATH];

    for (;;) {
        word size = 0;
        while (directory[size] && directory[size] != ':')
            size++;
        if (size + name_length + 2 <= LONGEST_PATH) {
            word at = 0;
            for (word i = 0; i < size; i++)
                path[at++] = directory[i];
            if (size)
                path[at++] = '/';
            for (word i = 0; i <= name_length; i++)
                path[at++] = arguments[0][i];
            word error = syscall4(SYS_execve, (word)path, (word)arguments, (word)environment, 0);
            if (error != -ENOENT && error != -ENOTDIR)
                worst = error;
        }
        if (!directory[size])
            return worst;
        directory += size + 1;
    }
}

__attribute__((noreturn)) static void become(char **arguments, char **environment)
{
    word error = contains_slash(arguments[0])
                     ? syscall4(SYS_execve, (word)arguments[0], (word)arguments, (word)environment, 0)
                     : execute_from_path(arguments, environment);
    int missing = error == -ENOENT || error == -ENOTDIR;
    const char *why = missing ? ": not found\n" : ": can't be executed\n";
    syscall4(SYS_write, 2, (word)arguments[0], length(arguments[0]), 0);
    syscall4(SYS_write, 2, (word)why, length(why), 0);
    end(missing ? NOT_FOUND : NOT_EXECUTABLE);
}

__attribute__((noreturn)) static void wait_and_become(char **arguments, char **environment)
{
    word count = 0;
    while (environment[count])
        count++;
    char release[LONGEST_RELEASE];
    char *extended[count + MOST_VARIABLES + 1];
    for (word i = 0; i <= count; i++)
        extended[i] = environment[i];
    set_variables(extended, release, wait_for_release(release));
    leave_standard_input();
    become(arguments, extended);
}

/* The kernel puts on the stack: the number of arguments, the arguments, a null, the environment, a null. */
__attribute__((noreturn, used)) void start(word *stack)
{
    word count = stack[0];
    char **arguments = (char **)(stack + 1);
    char **environment = arguments + count + 1;
    if (count < 2)
        pause_until_asked_to_end();
    wait_and_become(arguments + 1, environment);
}
