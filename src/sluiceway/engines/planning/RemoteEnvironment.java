package sluiceway;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironmentFactory;

/**
 * Has Flink 1.x make the environments inside table environments as these are configured. Up to 1.19 they are local ones,
 * and a pipeline that is made and sent in two steps would run in a cluster of its own in this very process.
 */
public class RemoteEnvironment extends StreamExecutionEnvironment {
    public static final class Factory implements StreamExecutionEnvironmentFactory {
        public StreamExecutionEnvironment createExecutionEnvironment(Configuration configuration) {
            return new StreamExecutionEnvironment(configuration);
        }
    }

    /** From now on, and in every thread. */
    public void install() {
        initializeContextEnvironment(new Factory());
    }
}
